import { z } from 'zod';
import { wellFormed } from '../protocol/graphemes.ts';
import { MessageFile, TaskFile } from '../protocol/mailbox.ts';

/** Text from a file becomes a request, or what is wrong with it. */

export const MailboxRequest = z.discriminatedUnion('type', [...MessageFile.options, ...TaskFile.options]);
export type MailboxRequest = z.infer<typeof MailboxRequest>;

type FieldOf<R> = R extends MailboxRequest ? keyof R : never;
/** The compiler says so when the protocol gets another one. */
const ADDRESSES = Object.keys({ chatJid: true, targetJid: true, jid: true } satisfies Record<
  Extract<FieldOf<MailboxRequest>, 'jid' | `${string}Jid`>,
  true
>);

/**
 * The same request with every chat under its current address: an agent or its memory may know an earlier one.
 * @param current resolves an address to the one that is used now
 */
export function withCurrentAddresses<R extends MailboxRequest>(
  request: R,
  current: (jid: string) => string,
): R {
  const resolved = Object.entries(request).map(([field, value]) => [
    field,
    ADDRESSES.includes(field) && typeof value === 'string' ? current(value) : value,
  ]);
  return Object.fromEntries(resolved) as R;
}

export type ParsedFile =
  | { readonly kind: 'request'; readonly request: MailboxRequest }
  /** It may still be being written. */
  | { readonly kind: 'unsettled'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string; readonly requestId?: string | undefined };

/** The protocol's objects are flat; a registered group's mounts are three deep. */
const MAX_DEPTH = 16;
/** Commas outside of strings: a hundred thousand array items would cost the schema's check a second. */
const MAX_COMMAS = 1_000;

/** Reads a file's text. The reasons never quote it: what a file holds has no place in a log. */
export function parseRequest(text: string): ParsedFile {
  if (text.trim() === '') return { kind: 'unsettled', reason: 'is empty' };
  const unfit = structuralObjection(text);
  if (unfit !== undefined) return { kind: 'bad', reason: unfit };
  const value = parseJson(text);
  if (value === undefined) return { kind: 'unsettled', reason: 'is not JSON' };
  if (!isRecord(value)) return { kind: 'bad', reason: 'is not a JSON object' };
  const requestId = readRequestId(value);
  if (requestId === null) {
    return { kind: 'bad', reason: 'requestId must be 1 to 64 letters, digits, - and _' };
  }
  if (holdsPrototype(value)) return { kind: 'bad', reason: 'holds a key named __proto__', requestId };
  const parsed = MailboxRequest.safeParse(value);
  if (!parsed.success) return { kind: 'bad', reason: describe(parsed.error, value), requestId };
  return { kind: 'request', request: parsed.data };
}

/** A cheap look at the shape before any parser builds it. */
function structuralObjection(text: string): string | undefined {
  let depth = 0;
  let commas = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (inString) {
      if (character === BACKSLASH) index += 1;
      else if (character === QUOTE) inString = false;
    } else if (character === QUOTE) inString = true;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      depth += 1;
      if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth -= 1;
    else if (character === COMMA) {
      commas += 1;
      if (commas > MAX_COMMAS) return `holds more than ${MAX_COMMAS} values`;
    }
  }
  return undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** @returns undefined when it is no JSON: JSON itself has no such value */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, wellFormed);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns undefined when the file asks for no answer, null when what it gives cannot be a file's name */
function readRequestId(value: Record<string, unknown>): string | undefined | null {
  const parsed = MessageFile.options[0].shape.requestId.safeParse(value.requestId);
  return parsed.success ? parsed.data : null;
}

/** `JSON.parse` makes an own property of it, but whoever copies that by assignment changes a prototype. */
function holdsPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  return Object.values(value).some(holdsPrototype);
}

const MAX_ISSUES = 3;

function describe(error: z.ZodError, value: Record<string, unknown>): string {
  if (typeof value.type !== 'string') return 'has no type';
  const known: readonly string[] = MailboxRequest.options.map((option) => option.shape.type.value);
  if (!known.includes(value.type)) return `has an unknown type. Known are ${known.join(', ')}.`;
  return error.issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `${path.map(String).join('.')}: ${message}`)
    .join('; ');
}
