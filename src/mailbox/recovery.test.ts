import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MailboxResult } from '../protocol/host-files.ts';
import { blindWatch } from './testing/blind-watcher.ts';
import { FAMILY_JID, Rig } from './testing/rig.ts';

/** Each state that a crash can leave between two steps of taking a file, made by hand, then a new process. */

const MESSAGE = { type: 'message', chatJid: FAMILY_JID, text: 'once', requestId: 'r' };

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
});
afterEach(() => rig.close());

function commitClaim(claimId: string, operation: 'message' | 'refused', result: MailboxResult): void {
  const claim = { claimId, folder: 'family', runId: undefined, requestId: 'r', changed: result.ok };
  rig.store.claims.add({ ...claim, operation, result }, Date.now());
}

/** Two starts in a row: the second one finds nothing left to do. */
async function restartTwice(): Promise<void> {
  for (let start = 0; start < 2; start += 1) {
    const mailbox = rig.mailbox({ watch: blindWatch() });
    await mailbox.start();
    await mailbox.drain('family');
    await mailbox.stop();
  }
  expect(await rig.claims('family')).toEqual([]);
  expect(await rig.waiting('family')).toEqual([]);
}

describe('a sound file takes effect once after a crash', () => {
  it('a file takes effect once after a crash before its claim', async () => {
    await rig.drop('family', MESSAGE);
    await restartTwice();
    expect(rig.texts()).toEqual(['once']);
  });

  it('a file takes effect once after a crash between the claim and the commit', async () => {
    await rig.claimed('family', MESSAGE);
    await restartTwice();
    expect(rig.texts()).toEqual(['once']);
    expect(await rig.result('family', 'r')).toEqual({ ok: true });
  });

  it('a file is only answered and unlinked after a crash between the commit and the answer', async () => {
    commitClaim(await rig.claimed('family', MESSAGE), 'message', { ok: true });
    await restartTwice();
    expect(rig.texts()).toEqual([]);
    expect(await rig.result('family', 'r')).toEqual({ ok: true });
    expect(await rig.quarantined('family')).toEqual([]);
  });

  it('a file that is rewritten after a crash between the commit and the answer has no second effect', async () => {
    commitClaim(await rig.claimed('family', { ...MESSAGE, text: 'swapped' }), 'message', { ok: true });
    await restartTwice();
    expect(rig.texts()).toEqual([]);
  });

  it('a file takes effect once after a crash between the answer and the unlinking', async () => {
    commitClaim(await rig.claimed('family', MESSAGE), 'message', { ok: true });
    await rig.snapshots.writeResult('family', 'r', { ok: true });
    await restartTwice();
    expect(rig.texts()).toEqual([]);
  });

  it('a claimed file is quarantined when its group has been unregistered since the crash', async () => {
    await rig.claimed('family', MESSAGE);
    rig.store.groups.remove(FAMILY_JID);
    await restartTwice();
    expect(rig.texts()).toEqual([]);
    expect(await rig.reasons('family')).toEqual(['no registered group has this folder']);
  });
});

describe('a refused file is answered and quarantined once after a crash', () => {
  const REFUSED = { ...MESSAGE, text: '' };
  const RESULT = { ok: false, error: 'the first answer' } as const;

  it('a refused file is quarantined once after a crash between the claim and the row', async () => {
    await rig.claimed('family', REFUSED);
    await restartTwice();
    expect(await rig.result('family', 'r')).toMatchObject({ ok: false });
    expect(await rig.quarantined('family')).toHaveLength(1);
  });

  it('a refused file gets its committed answer after a crash between the row and the move', async () => {
    commitClaim(await rig.claimed('family', REFUSED), 'refused', RESULT);
    await restartTwice();
    expect(await rig.result('family', 'r')).toEqual(RESULT);
    expect(await rig.quarantined('family')).toHaveLength(1);
    expect(await rig.reasons('family')).toEqual([RESULT.error]);
  });

  it('a refused file is quarantined once after a crash between the reason and the move', async () => {
    const id = await rig.claimed('family', REFUSED);
    commitClaim(id, 'refused', RESULT);
    await mkdir(join(rig.paths.ipcErrors, 'family'), { recursive: true });
    const early = join(rig.paths.ipcErrors, 'family', `${id}-unnamed.reason.json`);
    await writeFile(early, JSON.stringify({ reason: 'written before the crash' }));
    await restartTwice();
    expect(await rig.quarantined('family')).toEqual([`${id}-unnamed`]);
    expect(await readFile(early, 'utf8')).toContain('before the crash');
  });
});

it('a restarted host takes claimed files before those in the mailbox, each in its order', async () => {
  await rig.drop('family', { ...MESSAGE, text: 'third' });
  await rig.claimed('family', { ...MESSAGE, text: 'first' }, uuidv7());
  await rig.claimed('family', { ...MESSAGE, text: 'second' }, uuidv7());
  await rig.mailbox().start();
  expect(rig.texts()).toEqual(['first', 'second', 'third']);
});

it('a restarted host keeps looking at a claimed file that was half-written at the crash', async () => {
  const id = await rig.claimed('family', '{"type":"mess');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const timings = { mailboxSettleMs: 1_000, mailboxDrainMs: 3_600_000, mailboxRescanMs: 3_600_000 };
  const mailbox = rig.mailbox({ timings, watch: blindWatch() });
  await mailbox.start();
  await writeFile(join(rig.paths.ipcClaimed, 'family', id), JSON.stringify(MESSAGE));
  const drained = mailbox.drain('family');
  // For the rescan, for the next look at the file, and for the end of the drain.
  await expect.poll(() => vi.getTimerCount()).toBe(3);
  vi.advanceTimersByTime(1_000);
  await drained;
  expect(rig.texts()).toEqual(['once']);
});

it('a restarted host assigns an effect that an interrupted run left to that run', async () => {
  const run = { id: 'run', folder: 'family', chatJid: FAMILY_JID, attempt: 1, firstSeq: 1, lastSeq: 1 };
  rig.store.runs.startChat(run, Date.now());
  await rig.claimed('family', MESSAGE);
  await rig.mailbox().start();
  expect(rig.store.runs.leftEffects('run')).toBe(true);
});

it('a claimed file is kept while the database cannot be written, and taken when it can', async () => {
  const mailbox = rig.mailbox();
  const { transaction } = rig.store;
  const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  Object.assign(rig.store, {
    transaction: () => {
      throw full;
    },
  });
  await rig.drop('family', MESSAGE);
  await rig.message('family', 'behind it');
  await expect(mailbox.drain('family')).rejects.toMatchObject({
    name: 'NotDrainedError',
    code: 'SQLITE_FULL',
  });
  expect(await rig.claims('family')).toHaveLength(1);
  expect(await rig.waiting('family')).toHaveLength(1);
  Object.assign(rig.store, { transaction });
  await mailbox.drain('family');
  expect(rig.texts()).toEqual(['once', 'behind it']);
  expect(await rig.quarantined('family')).toEqual([]);
});

it('a file that a machine trouble kept from being taken is retried after a pause, without an event or rescan', async () => {
  const mailbox = rig.mailbox({
    timings: { mailboxRescanMs: 3_600_000, workFailurePauseMs: 100 },
    watch: blindWatch(),
  });
  await mailbox.start();
  const { transaction } = rig.store;
  let failures = 0;
  Object.assign(rig.store, {
    transaction: (...given: Parameters<typeof transaction>) => {
      failures += 1;
      if (failures > 2) return transaction.apply(rig.store, given);
      throw Object.assign(new Error('read-only'), { code: 'EROFS' });
    },
  });
  await rig.drop('family', MESSAGE);
  await expect(mailbox.drain('family')).rejects.toMatchObject({ name: 'NotDrainedError' });
  await vi.waitFor(() => expect(rig.texts()).toEqual(['once']), { interval: 20 });
  expect(failures).toBeGreaterThan(2);
});

it('a file at which the host itself fails is quarantined, and the reason does not quote it', async () => {
  const mailbox = rig.mailbox();
  Object.assign(rig.store, {
    transaction: () => {
      throw new TypeError('undefined is not a function');
    },
  });
  await rig.drop('family', MESSAGE);
  await mailbox.drain('family');
  expect(await rig.result('family', 'r')).toEqual({
    ok: false,
    error: 'The host failed at this; its log says why.',
  });
  expect(await rig.quarantined('family')).toHaveLength(1);
});
