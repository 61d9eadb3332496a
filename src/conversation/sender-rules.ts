import { z } from 'zod';
import { asSeen } from '../protocol/trigger.ts';

/**
 * What becomes of somebody's message.
 * - `allowed`: it may call the assistant.
 * - `context`: it is stored and read with the others, and calls nobody.
 * - `dropped`: nothing of it is stored.
 */
export type Standing = 'allowed' | 'context' | 'dropped';

const SHORTEST_NUMBER = 6;
const PHONE_SERVER = 's.whatsapp.net';

/**
 * The one form in which people are compared: `4915112345678@s.whatsapp.net`, without a device; a LID stays one.
 * @param written an address, or a phone number with its country code in any of the usual spellings
 * @returns undefined for what is neither
 */
export function oneForm(written: string): string | undefined {
  const text = asSeen(written);
  const address = /^([^@\s:]+)(?::\d+)?@([\w.]+)$/.exec(text);
  if (address !== null) {
    const [, user, server] = address;
    return `${user}@${server === 'c.us' ? PHONE_SERVER : server}`;
  }
  if (!/^\+?[\d\s()./\p{Pd}]+$/u.test(text)) return undefined;
  const digits = text.replace(/\D/g, '').replace(/^00/, '');
  // A number that begins with 0 lacks its country code: it would never fit anybody.
  return digits.length < SHORTEST_NUMBER || digits.startsWith('0') ? undefined : `${digits}@${PHONE_SERVER}`;
}

const Person = z.string().transform((written, context) => {
  const person = oneForm(written);
  if (person !== undefined) return person;
  const message = `${JSON.stringify(written)} is neither a phone number with its country code (like +49 151 12345678) nor an address`;
  context.addIssue({ code: 'custom', message, continue: true });
  return z.NEVER;
});

const ChatRule = z.strictObject({
  allow: z.union([z.literal('*'), z.array(Person)]).describe('everybody, or the people who may call'),
  mode: z
    .enum(['trigger', 'drop'])
    .default('trigger')
    .describe('the others’ messages: read without calling, or not stored at all'),
});

/** `sender-allowlist.json`, in v1's form. A name that is not known here is an error: a slip must not open what was to be closed. */
export const SenderRules = z.strictObject({
  default: ChatRule,
  chats: z.record(Person, ChatRule).default({}).describe('rules of single chats, by their address'),
  logDenied: z.boolean().default(true),
});
export type SenderRules = z.infer<typeof SenderRules>;

/** Without a file. */
export const EVERYBODY: SenderRules = SenderRules.parse({ default: { allow: '*' } });

/** With a file that cannot be read: nobody but the owner, who is asked nowhere. */
export const NOBODY: SenderRules = SenderRules.parse({ default: { allow: [] } });

/**
 * @param current the address that a person's address was merged into, else itself
 * @returns what becomes of a message by somebody who is not the owner
 */
export function judgeSender(
  rules: SenderRules,
  message: { readonly chatJid: string; readonly senderJid: string },
  current: (jid: string) => string,
): Standing {
  const rule = ruleOf(rules, message.chatJid, current);
  if (rule.allow === '*') return 'allowed';
  const sender = current(oneForm(message.senderJid) ?? message.senderJid);
  if (rule.allow.some((person) => current(person) === sender)) return 'allowed';
  return rule.mode === 'drop' ? 'dropped' : 'context';
}

function ruleOf(
  rules: SenderRules,
  chatJid: string,
  current: (jid: string) => string,
): SenderRules['default'] {
  const chat = current(chatJid);
  const own = Object.entries(rules.chats).find(([jid]) => current(jid) === chat);
  return own?.[1] ?? rules.default;
}
