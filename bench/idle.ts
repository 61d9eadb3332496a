import { setTimeout as delay } from 'node:timers/promises';
import { registerGroup } from '../src/groups/registration.ts';
import type { Paths } from '../src/paths.ts';
import { lockHolder } from '../src/store/host-lock.ts';
import { openStore } from '../src/store/store.ts';
import type { Bench, BenchContext, Row } from './bench.ts';
import { cpuMs, requireProc, residentMiB } from './idle/process-usage.ts';
import { startLinkedHost } from './support/linked-host.ts';
import { median } from './support/statistics.ts';

const MANY = 200;
/** After the start. V8 collects once more 15 s or later, for 200 to 300 ms: often, not always, before the window begins. */
const SETTLE_MS = 24_000;
/** A second in which a host used more milliseconds of processor time than this is told by itself. */
const BUSY_MS = 5;
/** One rescan of the mailboxes and one keep-alive of the line fall into every such window; a shorter one may have neither. */
const WINDOW_MS = 30_000;
const SAMPLE_MS = 1_000;
const MINUTE_MS = 60_000;

interface Usage {
  /** Seconds of processor time per minute. */
  readonly cpu: number;
  /** Milliseconds of processor time in each second of the window. */
  readonly seconds: readonly number[];
  /** Resident memory in MiB, sampled through the window. */
  readonly memory: readonly number[];
}

/** What a host costs that nobody speaks to, and whether the number of its groups matters. */
export const idle: Bench = {
  name: 'idle',
  shows: `an idle host with 1 and with ${MANY} registered groups, side by side`,
  limitMs: 90_000,
  run: async (context) => {
    await requireProc();
    const [one, many] = await startBoth(context);
    await delay(SETTLE_MS, undefined, { signal: context.signal });
    const [few, lots] = await Promise.all([measure(one, context.signal), measure(many, context.signal)]);
    context.note(
      `Both in the same ${WINDOW_MS / 1_000} s, which hold one rescan and one keep-alive of each and begin ${SETTLE_MS / 1_000} s after the start. The hosts run from source, which costs memory that a compiled one does not use.`,
    );
    context.note(
      `Seconds with more than ${BUSY_MS} ms of processor time, with 1 group: ${busySeconds(few)}; with ${MANY}: ${busySeconds(lots)}. About second 5 it is the rescan; elsewhere it is mostly V8, which collects once more after the start.`,
    );
    return toRows(few, lots);
  },
};

/** At once, so that their timers run alike. @returns their process ids */
async function startBoth(context: BenchContext): Promise<[number, number]> {
  const starts = [startIdleHost(context, 1), startIdleHost(context, MANY)] as const;
  // If one fails, the other is still waited for: what it starts must be known before it is taken back.
  await Promise.allSettled(starts);
  return Promise.all(starts);
}

/** @returns the host's process id */
async function startIdleHost(context: BenchContext, groups: number): Promise<number> {
  const { paths } = await startLinkedHost(context, {
    env: { LOG_LEVEL: 'info' },
    // The main channel is a group as well; it is registered when the host is linked.
    prepare: (its) => register(its, groups - 1),
  });
  const pid = lockHolder(paths.hostLock);
  if (pid === undefined) throw new Error('the host does not hold its lock');
  return pid;
}

function register(paths: Paths, groups: number): void {
  const store = openStore(paths.database);
  try {
    store.transaction(() => {
      for (let index = 0; index < groups; index++) {
        const name = `Group ${index}`;
        const jid = `1203630${String(index).padStart(11, '0')}@g.us`;
        registerGroup(store, { jid, name, folder: `group-${index}`, trigger: '@Andy' }, Date.now());
      }
    });
  } finally {
    store.close();
  }
}

async function measure(pid: number, signal: AbortSignal): Promise<Usage> {
  const startedAt = performance.now();
  const first = await cpuMs(pid);
  const seconds: number[] = [];
  const memory: number[] = [];
  let last = first;
  while (performance.now() - startedAt < WINDOW_MS) {
    await delay(SAMPLE_MS, undefined, { signal });
    memory.push(await residentMiB(pid));
    const now = await cpuMs(pid);
    seconds.push(now - last);
    last = now;
  }
  const elapsed = performance.now() - startedAt;
  return { cpu: ((last - first) / elapsed) * (MINUTE_MS / 1_000), seconds, memory };
}

/** When a host did something: one collection of garbage outweighs everything else in the window. */
function busySeconds({ seconds }: Usage): string {
  const busy = seconds.flatMap((ms, index) =>
    ms > BUSY_MS ? [`${Math.round(ms)} ms in second ${index + 1}`] : [],
  );
  return busy.length === 0 ? 'none' : busy.join(', ');
}

function toRows(one: Usage, many: Usage): readonly Row[] {
  const samples = one.memory.length;
  return [
    { label: 'processor time with 1 group', value: one.cpu, unit: 's/min', n: 1 },
    { label: `processor time with ${MANY} groups`, value: many.cpu, unit: 's/min', n: 1 },
    { label: `processor time, ${MANY} groups ÷ 1 group`, value: many.cpu / one.cpu, unit: '×', n: 1 },
    {
      label: 'processor time of a second, 1 group, median',
      value: median(one.seconds),
      unit: 'ms',
      n: samples,
    },
    {
      label: `processor time of a second, ${MANY} groups, median`,
      value: median(many.seconds),
      unit: 'ms',
      n: samples,
    },
    { label: 'resident memory with 1 group, median', value: median(one.memory), unit: 'MiB', n: samples },
    {
      label: `resident memory with ${MANY} groups, median`,
      value: median(many.memory),
      unit: 'MiB',
      n: samples,
    },
    {
      label: `resident memory, ${MANY} groups ÷ 1 group`,
      value: median(many.memory) / median(one.memory),
      unit: '×',
      n: samples,
    },
  ];
}
