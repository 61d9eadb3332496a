import { cureOfDisk } from '../../machine-trouble.ts';

const RESTORE_OR_PAIR =
  'Restore a backup: ./nanoclaw restore <backup>, or archive the file and pair again: ./nanoclaw pair --new';

/** The database of the credentials cannot be opened or is damaged. Nothing in it was changed. */
export class CredentialsDatabaseError extends Error {
  override readonly name = 'CredentialsDatabaseError';
  constructor(file: string, cause: unknown) {
    const cure = cureOfDisk(cause) ?? RESTORE_OR_PAIR;
    super(
      `The WhatsApp credentials in ${file} cannot be opened: ${textOf(cause)}. Nothing was changed. ${cure}`,
      { cause },
    );
  }
}

/** The database of the credentials is of a newer version of this program. Nothing in it was changed. */
export class CredentialsTooNewError extends Error {
  override readonly name = 'CredentialsTooNewError';
  constructor(file: string, found: number, known: number) {
    super(
      `The WhatsApp credentials in ${file} have schema ${found}, this version knows ${known}. Nothing was changed. ` +
        'Run the newer version of NanoClaw.',
    );
  }
}

/** A row of the credentials does not parse or lacks what it must have. Nothing was changed. */
export class CredentialsUnreadableError extends Error {
  override readonly name = 'CredentialsUnreadableError';
  constructor(file: string, row: string, cause: unknown) {
    super(
      `The WhatsApp credentials in ${file} are unreadable (${row}: ${textOf(cause)}). Nothing was changed. ` +
        RESTORE_OR_PAIR,
      { cause },
    );
  }
}

/** Something was asked of WhatsApp while no line is open. */
export class LineAwayError extends Error {
  override readonly name = 'LineAwayError';
  constructor(what: string) {
    super(`${what} needs the WhatsApp line, which is not open now. Try again when it is.`);
  }
}

/** An attempt to connect got nowhere in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
  constructor(ms: number) {
    super(`WhatsApp did not complete the connection within ${ms} ms`);
  }
}

/** Nothing comes on an open line any more, not even the answers to pings. */
export class DeafLineError extends Error {
  override readonly name = 'DeafLineError';
  constructor(ms: number) {
    super(`nothing has come from WhatsApp for ${Math.round(ms / 1_000)} s`);
  }
}

/**
 * The server, or a proxy before it, answered the WebSocket's upgrade with an ordinary HTTP response. Its status says
 * nothing of the account: a proxy's 401 or 403 must not be taken for WhatsApp's.
 */
export class UpgradeRefusedError extends Error {
  override readonly name = 'UpgradeRefusedError';
  constructor(status: number) {
    super(`the server answered HTTP ${status} instead of opening the line`);
  }
}

/** What came from the server could not be read: the stream is out of step and must be made anew. */
export class BrokenStreamError extends Error {
  override readonly name = 'BrokenStreamError';
  constructor(cause: unknown) {
    super(`the stream from the server could not be read: ${textOf(cause)}`, { cause });
  }
}

/** A message could not be put on disk before it is handled. The server still has it. */
export class JournalUnwritableError extends Error {
  override readonly name = 'JournalUnwritableError';
  constructor(cause: unknown) {
    super(`a message could not be written to store/whatsapp.db: ${textOf(cause)}`, { cause });
  }
}

/** The account cannot be linked as things are; the message says what the owner can do. */
export class LinkRefusedError extends Error {
  override readonly name: string = 'LinkRefusedError';
}

const CODE_REFUSALS: Readonly<Record<number, string>> = {
  400: 'Check the phone number, which is that of the account to link; if it is right, link with a QR code: ./nanoclaw pair',
  403: 'WhatsApp does not let this account link a device now. Open WhatsApp on the phone and see what it says there',
  429: 'Too many codes were requested. Wait an hour, or link with a QR code: ./nanoclaw pair',
};

/** WhatsApp did not accept the request for a pairing code, or the answer to a code that was typed. */
export class CodeRefusedError extends LinkRefusedError {
  override readonly name = 'CodeRefusedError';
  /** @param code WhatsApp's; undefined: there was no answer */
  constructor(code: number | undefined, cause?: unknown) {
    const what =
      code === undefined
        ? `WhatsApp did not answer the request for a pairing code (${textOf(cause)})`
        : `WhatsApp refused the pairing code (${code})`;
    const fix = CODE_REFUSALS[code ?? 0] ?? 'Try again, or link with a QR code: ./nanoclaw pair';
    super(`${what}. ${fix}.`, { cause });
  }
}

/** WhatsApp wants the link confirmed with a passkey, which only its own apps and pages can do. */
export class PasskeyRequiredError extends LinkRefusedError {
  override readonly name = 'PasskeyRequiredError';
  constructor() {
    super(
      'WhatsApp asks to confirm new linked devices of this account with a passkey. Only its own apps and web page can do ' +
        'that; a QR code and a pairing code end here alike. WhatsApp asks some accounts only, and not for ever: try again ' +
        'after some days, or link another account, for instance a number for the assistant alone ' +
        '(ASSISTANT_HAS_OWN_NUMBER=true).',
    );
  }
}

/** Nobody used the code that was shown in time. */
export class CodeExpiredError extends Error {
  override readonly name = 'CodeExpiredError';
  constructor() {
    super('the pairing code has expired');
  }
}

/** The words of whatever was thrown; Baileys also rejects with bare numbers. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The status code that Baileys' errors carry, as Boom's do. A bare number, as a WebSocket's close gives, is none. */
export function codeOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('output' in thrown)) return undefined;
  const { output } = thrown;
  if (typeof output !== 'object' || output === null || !('statusCode' in output)) return undefined;
  return typeof output.statusCode === 'number' ? output.statusCode : undefined;
}

/** The code with which the service refused a query; undefined: it was not refused, there was no answer. */
export function answerCodeOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('data' in thrown)) return undefined;
  return typeof thrown.data === 'number' ? thrown.data : undefined;
}
