import { createHash } from 'node:crypto';

/**
 * Ids of messages in the form that WhatsApp's own clients use: `3EB0` and 18 hexadecimal digits. In ours the last four are a
 * checksum over the others, by which any instance of the assistant knows what another one wrote. A person's message bears the
 * mark by chance once in 65,536 times.
 */

const PREFIX = '3EB0';
const RANDOM_BYTES = 7;
const CHECK_LENGTH = 4;
const FORM = /^3EB0[0-9A-F]{18}$/;

/** @param randomBytes so many random bytes */
export function newWireId(randomBytes: (count: number) => Buffer): string {
  const rest = PREFIX + randomBytes(RANDOM_BYTES).toString('hex').toUpperCase();
  return rest + checksum(rest);
}

/** Whether an instance of the assistant, this one or another, made the id. */
export function isAssistantId(id: string): boolean {
  return FORM.test(id) && checksum(id.slice(0, -CHECK_LENGTH)) === id.slice(-CHECK_LENGTH);
}

function checksum(rest: string): string {
  const hash = createHash('sha256').update(`nanoclaw${rest}`).digest('hex');
  return hash.slice(0, CHECK_LENGTH).toUpperCase();
}
