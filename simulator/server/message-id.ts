import { randomBytes } from 'node:crypto';

/** Message ids of WhatsApp's Android app are 32 hex digits. */
const ID_BYTES = 16;

/** A new message id as a phone makes it. */
export function newMessageId(): string {
  return randomBytes(ID_BYTES).toString('hex').toUpperCase();
}
