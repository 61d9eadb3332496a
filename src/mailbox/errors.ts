import { FolderNameError } from '../groups/folder-name.ts';
import { GroupFolderError } from '../groups/group-folders.ts';
import { RegistrationError } from '../groups/registration.ts';
import { ScheduleError } from '../schedule/schedule.ts';

/** A file asks for what is not done. The text is for the agent: plain words that name the fix. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Files cannot be claimed at all; the text says why and what to change. Stops the start. */
export class MailboxError extends Error {
  override readonly name = 'MailboxError';
}

/** The code of a system's or SQLite's error, or an empty string. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}

const REFUSALS = [Refusal, ScheduleError, FolderNameError, RegistrationError, GroupFolderError] as const;

/** Whether an effect failed because of what was asked: asking again is useless. */
export function isRefusal(error: unknown): error is Error {
  return REFUSALS.some((kind) => error instanceof kind);
}

/** Conditions of the machine that pass: what met them stays where it is and is tried again. */
const PASSING: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EIO',
  'EROFS',
  'ESTALE',
]);

/** SQLite's errors that are about the request and not about the machine: they come back at each try. */
const LASTING_SQLITE = ['SQLITE_CONSTRAINT', 'SQLITE_TOOBIG', 'SQLITE_MISMATCH', 'SQLITE_ERROR'];

/** Whether trying again later may heal it: a full disk, no descriptors, a busy or unwritable database. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  if (code.startsWith('SQLITE_')) return !LASTING_SQLITE.some((lasting) => code.startsWith(lasting));
  return PASSING.has(code);
}
