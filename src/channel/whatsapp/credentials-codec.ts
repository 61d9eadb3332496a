import { type AuthenticationCreds, BufferJSON } from '@whiskeysockets/baileys';
import { CredentialsUnreadableError } from './errors.ts';

/** Any value of the store as text; bytes survive as Baileys writes them. */
export function encodeValue(value: unknown): string {
  return JSON.stringify(value, BufferJSON.replacer);
}

/** The reverse. Throws a SyntaxError. */
export function decodeValue(text: string): unknown {
  return JSON.parse(text, BufferJSON.reviver);
}

/** What no account can be without: these keys are made once and never again. */
const KEY_PAIRS = ['noiseKey', 'pairingEphemeralKeyPair', 'signedIdentityKey'] as const;

/**
 * The account's row.
 * @throws {CredentialsUnreadableError} it does not parse, or a key that it must have is missing
 */
export function decodeCreds(file: string, text: string): AuthenticationCreds {
  let value: unknown;
  try {
    value = decodeValue(text);
  } catch (error) {
    throw new CredentialsUnreadableError(file, 'row creds', error);
  }
  const missing = missingIn(value);
  if (missing !== undefined) {
    throw new CredentialsUnreadableError(file, 'row creds', new Error(`${missing} is missing or malformed`));
  }
  return value as AuthenticationCreds;
}

function missingIn(value: unknown): string | undefined {
  if (!isRecord(value)) return 'the account';
  const pair = KEY_PAIRS.find((name) => !isKeyPair(value[name]));
  if (pair !== undefined) return pair;
  const signed = value.signedPreKey;
  if (!isRecord(signed) || !isKeyPair(signed.keyPair) || !isBytes(signed.signature)) return 'signedPreKey';
  if (typeof value.registrationId !== 'number') return 'registrationId';
  if (typeof value.advSecretKey !== 'string') return 'advSecretKey';
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isKeyPair(value: unknown): boolean {
  return isRecord(value) && isBytes(value.public, 32) && isBytes(value.private, 32);
}

function isBytes(value: unknown, length?: number): boolean {
  return value instanceof Uint8Array && (length === undefined || value.length === length);
}
