import { setTimeout } from 'node:timers/promises';
import { Mailbox } from '../../src/mailbox/mailbox.ts';

/** A module to load before a host: there is time to do something while it starts. */
const start = Mailbox.prototype.start;
Mailbox.prototype.start = async function slow(this: Mailbox) {
  await setTimeout(2_000);
  await start.call(this);
};
