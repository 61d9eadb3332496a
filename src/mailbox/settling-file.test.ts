import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Intake } from './intake.ts';
import { Rig } from './testing/rig.ts';

const SETTLE_MS = 100;
/** A file's time is up while a listing is under way. */
const LISTING_MS = 2 * SETTLE_MS;

it('a file that does not parse is quarantined even when its time comes during a listing', async () => {
  const { claimedIn } = Intake.prototype;
  const slow = vi.spyOn(Intake.prototype, 'claimedIn').mockImplementation(async function slowly(
    this: Intake,
    folder,
  ) {
    const claimed = await claimedIn.call(this, folder);
    await wait(LISTING_MS);
    return claimed;
  });
  onTestFinished(() => slow.mockRestore());
  const rig = await Rig.open();
  onTestFinished(() => rig.close());
  const mailbox = rig.mailbox({ timings: { mailboxRescanMs: 300, mailboxSettleMs: SETTLE_MS } });
  await mailbox.start();
  await rig.drop('family', 'no JSON');
  // The second listing is under way when the file is to be looked at again.
  await Promise.all([mailbox.drain('family'), mailbox.drain('family')]);
  await vi.waitFor(async () => expect(await rig.quarantined('family')).toHaveLength(1), {
    timeout: 15_000,
    interval: 50,
  });
});
