import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Limits } from './limits.ts';
import type { Mailbox } from './mailbox.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig;
let now: number;
beforeEach(async () => {
  rig = await Rig.open();
  now = Date.now();
});
afterEach(() => rig.close());

const open = (limits: Partial<Limits>): Mailbox => rig.mailbox({ clock: { now: () => now }, limits });

async function bad(count: number, folder = 'family'): Promise<void> {
  for (let file = 0; file < count; file += 1) await rig.drop(folder, { type: 'nonsense', file });
}

describe('the quarantine', () => {
  it('keeps a group’s entries up to the limit, and a record of each other one', async () => {
    const mailbox = open({ quarantineEntries: 3 });
    await bad(8);
    await bad(2, 'work');
    await mailbox.drain('family');
    await mailbox.drain('work');
    expect(await rig.quarantined('family')).toHaveLength(3);
    expect(await rig.reasons('family')).toHaveLength(3);
    expect(await rig.records('family')).toHaveLength(5);
    expect(await rig.records('family')).toMatchObject(
      Array.from({ length: 5 }, () => ({ kept: false, reason: expect.stringContaining('unknown type') })),
    );
    expect(await rig.quarantined('work')).toHaveLength(2);
    expect(await rig.waiting('family')).toEqual([]);
    expect(await rig.claims('family')).toEqual([]);
  });

  it('keeps bytes up to the limit', async () => {
    const mailbox = open({ quarantineBytes: 5_000 });
    for (let file = 0; file < 3; file += 1) await rig.drop('family', `[${' '.repeat(2_000)}]`);
    await mailbox.drain('family');
    expect(await rig.quarantined('family')).toHaveLength(2);
    expect(await rig.records('family')).toMatchObject([{ size: 2_002 }]);
  });

  it('knows after a restart what it holds, and has room again after an operator emptied it', async () => {
    await bad(2);
    await open({ quarantineEntries: 2 }).drain('family');
    const mailbox = open({ quarantineEntries: 2 });
    await bad(1);
    await mailbox.drain('family');
    expect(await rig.quarantined('family')).toHaveLength(2);
    await rm(join(rig.paths.ipcErrors, 'family'), { recursive: true });
    now += 61_000;
    await bad(1);
    await mailbox.drain('family');
    expect(await rig.quarantined('family')).toHaveLength(1);
  });

  it('removes an empty directory beyond the limit, and moves a full one as a whole', async () => {
    const mailbox = open({ quarantineEntries: 0 });
    await mkdir(join(rig.directory('family'), 'empty.json'));
    await mkdir(join(rig.directory('family'), 'full.json'));
    await writeFile(join(rig.directory('family'), 'full.json', 'inner'), 'x');
    await mailbox.drain('family');
    expect(await rig.quarantined('family')).toEqual([expect.stringMatching(/full\.json$/)]);
    expect(await rig.records('family')).toMatchObject([{ name: 'empty.json', kept: false }]);
  });

  it('bounds the records as well', async () => {
    const mailbox = open({ quarantineEntries: 0, recordBytes: 500 });
    await bad(50);
    await mailbox.drain('family');
    const names = await readdir(join(rig.paths.ipcErrors, 'family'));
    expect(names.sort()).toEqual(['records.1.jsonl', 'records.jsonl']);
    expect((await rig.records('family')).length).toBeLessThan(6);
  });

  it('never overwrites, even when ids repeat', async () => {
    let claims = 0;
    const mailbox = rig.mailbox({
      newId: () => {
        claims += 1;
        return 'always-the-same';
      },
    });
    for (let file = 0; file < 3; file += 1) {
      await writeFile(join(rig.directory('family'), 'x.json'), '{"type":"nonsense"}');
      await mailbox.drain('family');
    }
    expect(claims).toBe(3);
    expect(await rig.quarantined('family')).toHaveLength(3);
    expect(await rig.reasons('family')).toHaveLength(3);
  });

  it('logs a few warnings a minute and says later how many were suppressed', async () => {
    const mailbox = open({ warnings: 2 });
    const warnings = (): unknown[] => rig.logged.filter(({ msg }) => msg === 'Mailbox file quarantined');
    await bad(10);
    await mailbox.drain('family');
    expect(warnings()).toHaveLength(2);
    now += 60_000;
    await bad(1);
    await mailbox.drain('family');
    expect(warnings()).toHaveLength(3);
    expect(rig.logged).toContainEqual(
      expect.objectContaining({ warnings: 8, msg: 'More mailbox warnings were kept back' }),
    );
  });
});

it('the quarantine accounts for everything: each file is processed, quarantined or pending', async () => {
  const mailbox = rig.mailbox({
    limits: { quarantineEntries: 10 },
    timings: { mailboxSettleMs: 60_000, mailboxDrainMs: 0 },
  });
  const counts = { good: 30, refused: 25, malformed: 4, directories: 3 };
  for (let file = 0; file < counts.good; file += 1) await rig.message('family', `text ${file}`);
  await bad(counts.refused);
  for (let file = 0; file < counts.malformed; file += 1) await rig.drop('family', '{"half');
  for (let file = 0; file < counts.directories; file += 1) {
    await mkdir(join(rig.directory('family', 'tasks'), `${file}.json`));
  }
  await mailbox.drain('family');
  const processed = rig.texts().length;
  const quarantined = (await rig.quarantined('family')).length + (await rig.records('family')).length;
  const pending = (await rig.waiting('family')).length + (await rig.claims('family')).length;
  expect({ processed, quarantined, pending }).toEqual({
    processed: counts.good,
    quarantined: counts.refused + counts.directories,
    pending: counts.malformed,
  });
});
