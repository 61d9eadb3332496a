import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { HOUR } from '../clock.ts';
import { Directories } from './directories.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig;
/** How far the host's clock is ahead of the files': a change of a file cannot be put into the past. */
let aheadMs: number;
const clock = { now: (): number => Date.now() + aheadMs };

beforeEach(async () => {
  rig = await Rig.open();
  aheadMs = 0;
});
afterEach(() => rig.close());

const place = (...names: readonly string[]): string => join(rig.paths.groupIpc('family'), ...names);

/** One that was written at an instant of the host's clock. */
async function leave(path: string, at: number): Promise<void> {
  await writeFile(path, '{');
  await utimes(path, new Date(at), new Date(at));
}

describe('a stale file in a mailbox', () => {
  it.each([
    ['by an agent', 'messages/old.json.tmp'],
    ['by a script', 'tasks/.old.tmp'],
    ['by a host among its snapshots', 'current_tasks.json.0b1c.tmp'],
    ['by a host among its answers', 'results/request.json.0b1c.tmp'],
  ])(
    'a temporary file left half-written %s is removed at the start after an hour, and no sooner',
    async (_, name) => {
      await leave(place(name), 0);
      await rig.mailbox({ clock }).start();
      expect(await readdir(place(name, '..'))).toContain(name.split('/').at(-1));
      aheadMs = HOUR + 60_000;
      await rig.mailbox({ clock }).start();
      expect(await readdir(place(name, '..'))).not.toContain(name.split('/').at(-1));
    },
  );

  it('is removed while the host runs, too, and newer files stay', async () => {
    await rig.mailbox({ clock, timings: { mailboxRescanMs: 20 } }).start();
    await leave(place('messages', 'old.tmp'), 0);
    // Before the clock is set: until its time is set, too, it would be as old as the other.
    await leave(place('messages', 'young.tmp'), clock.now() + 2 * HOUR);
    aheadMs = 2 * HOUR;
    await expect.poll(() => readdir(place('messages')), { interval: 20 }).toEqual(['young.tmp']);
  });

  it('is removed after a day when it was to be sent and no request names it; directories and link targets stay', async () => {
    await leave(place('files', 'forgotten.pdf'), 0);
    await mkdir(place('files', 'directory'));
    await writeFile(join(rig.root, 'host-file'), 'stays');
    await symlink(join(rig.root, 'host-file'), place('files', 'link'));
    aheadMs = 23 * HOUR;
    await rig.mailbox({ clock }).start();
    expect(await readdir(place('files'))).toHaveLength(3);
    aheadMs = 25 * HOUR;
    await rig.mailbox({ clock }).start();
    expect(await readdir(place('files'))).toEqual(['directory']);
    expect(await readdir(rig.root)).toContain('host-file');
  });

  it('does not stop the start when its directory cannot be listed', async () => {
    // Locked directories are open to root, who may run this: another refusal of the system stands in for that.
    await rm(place('results'), { recursive: true });
    await writeFile(place('results'), '');
    vi.spyOn(Directories.prototype, 'isReal').mockResolvedValue(true);
    onTestFinished(() => void vi.restoreAllMocks());
    await rig.mailbox({ clock }).start();
  });

  it('stays when it is behind a link in a directory’s place', async () => {
    await mkdir(join(rig.root, 'elsewhere'));
    await leave(join(rig.root, 'elsewhere', 'old.tmp'), 0);
    await mkdir(rig.paths.groupIpc('strange'));
    await symlink(join(rig.root, 'elsewhere'), join(rig.paths.groupIpc('strange'), 'messages'));
    aheadMs = 2 * HOUR;
    await rig.mailbox({ clock }).start();
    expect(await readdir(join(rig.root, 'elsewhere'))).toEqual(['old.tmp']);
  });
});
