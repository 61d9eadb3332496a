import { FolderNameError } from '../groups/folder-name.ts';
import { GroupFolderError } from '../groups/group-folders.ts';
import { RegistrationError } from '../groups/registration.ts';
import { codeOf } from '../machine-trouble.ts';
import { ScheduleError } from '../schedule/schedule.ts';

/** A file asks for what is not done. The text is for the agent: plain words that name the fix. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Not all that lies in a mailbox could be taken just now: the machine's trouble. */
export class NotDrainedError extends Error {
  override readonly name = 'NotDrainedError';

  constructor(folder: string, cause: unknown) {
    super(`the mailbox of ${folder} cannot be taken just now: ${(cause as Error).message}`, { cause });
  }

  /** The cause's own. */
  get code(): string {
    return codeOf(this.cause);
  }
}

/** Files cannot be claimed at all; the text says why and what to change. Stops the start. */
export class MailboxError extends Error {
  override readonly name = 'MailboxError';
}

const REFUSALS = [Refusal, ScheduleError, FolderNameError, RegistrationError, GroupFolderError] as const;

/** Whether an effect failed because of what was asked: asking again is useless. */
export function isRefusal(error: unknown): error is Error {
  return REFUSALS.some((kind) => error instanceof kind);
}
