import { Mailbox } from '../../src/mailbox/mailbox.ts';

/** A module to load before a host: its shutdown never ends. */
Mailbox.prototype.stop = () => new Promise(() => undefined);
