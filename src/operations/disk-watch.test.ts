import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { SECOND } from '../clock.ts';
import { openLog } from '../log.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import type { DiskTrouble } from './disk.ts';
import { DiskWatch } from './disk-watch.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const FULL: DiskTrouble = {
  folders: ['store/'],
  kind: 'full',
  detail: 'the disk is full',
  cure: 'Make room',
};

function rig() {
  const lines: string[] = [];
  const terminal = { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream;
  const { log } = openLog({ level: 'info', terminal });
  let troubles: readonly DiskTrouble[] = [];
  const look = vi.fn(async () => troubles);
  const watch = new DiskWatch({ look, log, timings: DEFAULT_TIMINGS });
  onTestFinished(() => watch.stop());
  return {
    watch,
    look,
    lines,
    is: (now: readonly DiskTrouble[]) => {
      troubles = now;
    },
  };
}

it('the disk watch reports a full disk once, however often something fails, and once that it has room again', async () => {
  const { watch, lines, is } = rig();
  is([FULL]);
  for (let n = 0; n < 20; n += 1) {
    watch.suspect();
    await vi.advanceTimersByTimeAsync(2 * SECOND);
  }
  expect(lines).toEqual([expect.stringMatching(/ERROR: store\/: the disk is full\. .*wait.*Make room/)]);
  is([]);
  await vi.advanceTimersByTimeAsync(20 * SECOND);
  expect(lines.slice(1)).toEqual([expect.stringMatching(/WARN: The disk takes files again/)]);
  is([FULL]);
  watch.suspect();
  await vi.advanceTimersByTimeAsync(10 * SECOND);
  expect(lines).toHaveLength(3);
});

it('the disk watch ignores other machine troubles, and checks at most every five seconds', async () => {
  const { watch, look, lines } = rig();
  for (let n = 0; n < 100; n += 1) {
    watch.suspect();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(lines).toEqual([]);
  expect(look.mock.calls.length).toBeLessThanOrEqual(3);
});

it('the disk watch sets no timer while nothing is wrong', async () => {
  const { watch } = rig();
  watch.suspect();
  await vi.advanceTimersByTimeAsync(10 * SECOND);
  expect(vi.getTimerCount()).toBe(0);
});
