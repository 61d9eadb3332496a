import { expect, it, onTestFinished, vi } from 'vitest';
import { Intake } from './intake.ts';
import { Rig } from './testing/rig.ts';

it('a file that does not parse is quarantined even when its time comes during a listing', async () => {
  const rig = await Rig.open();
  onTestFinished(() => rig.close());
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const mailbox = rig.mailbox({ timings: { mailboxSettleMs: 1_000, mailboxDrainMs: 3_600_000 } });
  await rig.drop('family', 'no JSON');
  const drained = mailbox.drain('family');
  // One timer for the next look at the file, and one for the end of the drain.
  await expect.poll(() => vi.getTimerCount()).toBe(2);
  const { claimedIn } = Intake.prototype;
  const listing = vi.spyOn(Intake.prototype, 'claimedIn').mockImplementation(async function meanwhile(
    this: Intake,
    folder,
  ) {
    const claimed = await claimedIn.call(this, folder);
    vi.advanceTimersByTime(1_000);
    return claimed;
  });
  onTestFinished(() => listing.mockRestore());
  const drainedAgain = mailbox.drain('family');
  await expect.poll(() => rig.quarantined('family')).toHaveLength(1);
  await Promise.all([drained, drainedAgain]);
});
