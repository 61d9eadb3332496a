import { Mailbox } from '../../src/mailbox/mailbox.ts';

/** A module to load before a host: a step of its shutdown fails when it has done its work. */
const stop = Mailbox.prototype.stop;
Mailbox.prototype.stop = async function failing(this: Mailbox) {
  await stop.call(this);
  throw new Error('the mailbox cannot be stopped');
};
