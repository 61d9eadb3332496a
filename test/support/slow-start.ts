import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { Mailbox } from '../../src/mailbox/mailbox.ts';

/** No test is slower to ask. */
const LONGEST_MS = 60_000;

const asked = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});

/** A module to load before a host: its start goes on when it was asked to end. */
const start = Mailbox.prototype.start;
Mailbox.prototype.start = async function slow(this: Mailbox) {
  await Promise.race([asked, setTimeout(LONGEST_MS)]);
  await start.call(this);
};
