import type { ScheduleType } from '../../../../../src/protocol/mailbox.ts';

/** When something is to happen, in the mailbox's terms. */
export interface Schedule {
  readonly type: ScheduleType;
  readonly value: string;
}

/** What a phrase says about a time. */
export interface When {
  /** The schedule, or the question to ask where the phrase leaves one open. */
  readonly plan: Schedule | string;
  readonly hasDay: boolean;
  readonly hasTime: boolean;
  /** Where only the time of day is asked for: the rest, to which a time can be added. */
  readonly open?: string | undefined;
  /** Where one of several times is asked for: those, as whole phrases, in the order of the question. */
  readonly choices?: readonly string[] | undefined;
}

/** A time that was said and cannot be meant; the message is for the person who said it. */
export class ScheduleProblem extends Error {
  override readonly name = 'ScheduleProblem';
}
