import { chmod, chown, link, mkdir, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Mailbox } from './mailbox.ts';
import { GIGABYTE, HOSTILE_KINDS, makeGigabyte } from './testing/hostile-kinds.ts';
import { FAMILY_JID, Rig } from './testing/rig.ts';

const GOOD = JSON.stringify({ type: 'message', chatJid: FAMILY_JID, text: 'from a bad file' });

let rig: Rig;
let mailbox: Mailbox;
let messages: string;
beforeEach(async () => {
  rig = await Rig.open();
  mailbox = rig.mailbox();
  messages = rig.directory('family');
});
afterEach(() => rig.close());

/** The hostile thing lies between two good files: both must get through, and it must be accounted for. */
async function passBy(): Promise<void> {
  await rig.message('family', 'first');
  await rig.message('family', 'second');
  await mailbox.drain('family');
  expect(rig.texts()).toEqual(['first', 'second']);
  expect(await rig.waiting('family')).toEqual([]);
  expect(await rig.claims('family')).toEqual([]);
}

/** Where a bad file lies, between two good ones. */
const place = (name = '0x.json') => ({ path: join(messages, name), scratch: rig.root, sound: GOOD });

describe('a hostile entry of a mailbox', () => {
  it.each(HOSTILE_KINDS)(
    '$name is never followed or taken, and is quarantined with its reason',
    async ({ make, reason }) => {
      await make(place());
      await passBy();
      expect(await rig.quarantined('family')).toEqual([expect.stringMatching(/0x\.json$/)]);
      expect(await rig.reasons('family')).toEqual([expect.stringContaining(reason)]);
    },
  );

  it('a second directory of the same name is quarantined too', async () => {
    await mkdir(join(messages, '0x.json'));
    await mailbox.drain('family');
    await mkdir(join(messages, '0x.json'));
    await passBy();
    expect(await rig.quarantined('family')).toHaveLength(2);
  });

  it('the target of a quarantined file link stays as it was', async () => {
    const target = join(rig.root, 'host-file');
    await writeFile(target, GOOD);
    await symlink(target, join(messages, '0x.json'));
    await link(target, join(messages, '1x.json'));
    await passBy();
    expect(await readFile(target, 'utf8')).toBe(GOOD);
  });

  it.each([
    ['that is not UTF-8', Buffer.from([0xff, 0xfe, 0x80, ...Buffer.from('.json')])],
    ['with a line break', Buffer.from('a\nb\tc;$(x).json')],
    ['of 255 bytes', Buffer.from(`${'n'.repeat(250)}.json`)],
    ['that ends like a reason', Buffer.from('x.reason.json')],
  ])('a malformed file with a name %s is quarantined', async (_, name) => {
    await writeFile(Buffer.concat([Buffer.from(`${messages}/`), name]), '{"type":"?"}');
    await passBy();
    expect(await rig.quarantined('family')).toEqual([expect.stringMatching(/^[A-Za-z0-9._-]{1,140}$/)]);
    expect(await rig.reasons('family')).toHaveLength(1);
  });

  it('a sound file with a name that is not UTF-8 is taken as any other', async () => {
    const name = Buffer.from([0xff, 0xfe, ...Buffer.from('.json')]);
    await writeFile(Buffer.concat([Buffer.from(`${messages}/`), name]), GOOD);
    await mailbox.drain('family');
    expect(rig.texts()).toEqual(['from a bad file']);
    expect(await rig.waiting('family')).toEqual([]);
  });
});

it('a file of a gigabyte leaves only a record in quarantine', async () => {
  await makeGigabyte(place());
  await passBy();
  expect(await rig.quarantined('family')).toEqual([]);
  expect(await rig.records('family')).toMatchObject([
    { name: '0x.json', size: GIGABYTE, kept: false, reason: expect.stringContaining('larger') },
  ]);
});

it('hidden and temporary names and other endings are left alone', async () => {
  const names = ['.hidden.json', 'x.json.tmp', 'x.txt', 'json'];
  for (const name of names) await writeFile(join(messages, name), GOOD);
  await passByLeaving(names);
});

async function passByLeaving(names: readonly string[]): Promise<void> {
  await mailbox.drain('family');
  expect(rig.texts()).toEqual([]);
  expect((await rig.waiting('family')).sort()).toEqual([...names].sort());
}

it('a mailbox that is a link to another one is not read', async () => {
  await rm(messages, { recursive: true });
  await symlink(rig.directory('main'), messages);
  await rig.message('main', 'of main');
  await mailbox.drain('family');
  expect(rig.texts()).toEqual([]);
  expect(await rig.waiting('main')).toHaveLength(1);
  expect(rig.logged.map(({ msg }) => msg)).toContain(
    'A mailbox is a link and is not read; put a directory in its place',
  );
});

it('a group folder that is a link is not read, and a mailbox that is a file does no harm', async () => {
  await rm(rig.paths.groupIpc('family'), { recursive: true });
  await symlink(rig.paths.groupIpc('main'), rig.paths.groupIpc('family'));
  await rm(rig.directory('work'), { recursive: true });
  await writeFile(rig.directory('work'), 'no directory');
  await rig.message('main', 'of main');
  await mailbox.drain('family');
  await mailbox.drain('work');
  expect(rig.texts()).toEqual([]);
  await mailbox.drain('main');
  expect(rig.texts()).toEqual(['of main']);
});

it('the content of a file is never written into the log', async () => {
  await writeFile(join(rig.root, 'host-file'), 'root:canary:0:0');
  await symlink(join(rig.root, 'host-file'), join(messages, '0.json'));
  await writeFile(join(messages, '1.json'), 'canary no JSON');
  await writeFile(join(messages, '2.json'), '{"type":"canary","requestId":"canary?"}');
  await mailbox.drain('family');
  expect(await rig.quarantined('family')).toHaveLength(3);
  expect(JSON.stringify(rig.logged)).not.toContain('canary');
});

describe('an entry that a host without root may not read', () => {
  /** Everything in the root belongs to the user whom the test takes on; a test run by a user is one already. */
  async function becomeUser(): Promise<void> {
    if (process.geteuid?.() !== 0) return;
    await chmod(rig.root, 0o755);
    for (const name of await readdir(rig.root, { recursive: true }))
      await chown(join(rig.root, name), 1000, 1000);
    await chown(rig.root, 1000, 1000);
    process.seteuid?.(1000);
    onTestFinished(() => void process.seteuid?.(0));
  }

  it('a file without permissions is quarantined', async () => {
    await writeFile(join(messages, '0x.json'), GOOD);
    await becomeUser();
    await chmod(join(messages, '0x.json'), 0o000);
    await passBy();
    expect(await rig.reasons('family')).toEqual(['cannot be read (EACCES)']);
  });

  it('a directory without permissions stays, is recorded once, and is tried again when it was repaired', async () => {
    const path = join(messages, '0x.json');
    await becomeUser();
    await mkdir(path);
    await chmod(path, 0o000);
    await rig.message('family', 'beside it');
    await mailbox.drain('family');
    await mailbox.drain('family');
    expect(rig.texts()).toEqual(['beside it']);
    expect(await rig.waiting('family')).toEqual(['0x.json']);
    expect(await rig.records('family')).toMatchObject([
      { name: '0x.json', reason: 'cannot be moved (EACCES)', kept: 'in place' },
    ]);
    await chmod(path, 0o755);
    await mailbox.drain('family');
    expect(await rig.waiting('family')).toEqual([]);
    expect(await rig.quarantined('family')).toHaveLength(1);
  });
});

it('a file that is still open for writing after its claim is read no further than the size limit', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  mailbox = rig.mailbox({
    timings: { mailboxSettleMs: 1_000, mailboxDrainMs: 3_600_000 },
    limits: { fileBytes: 1_000 },
  });
  const file = await open(join(messages, '0x.json'), 'w');
  onTestFinished(() => file.close());
  await file.write('{');
  const drained = mailbox.drain('family');
  // One timer for the next look at the file, and one for the end of the drain.
  await expect.poll(() => vi.getTimerCount()).toBe(2);
  expect(await rig.claims('family')).toHaveLength(1);
  await file.write('x'.repeat(5_000));
  vi.advanceTimersByTime(1_000);
  await drained;
  expect(await rig.reasons('family')).toEqual(['is larger than 1000 bytes']);
});
