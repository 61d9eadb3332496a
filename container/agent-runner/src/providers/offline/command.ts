import type { MailboxClient } from '../../tools/mailbox-client.ts';
import type { AgentTurn } from '../provider.ts';
import type { OfflineSession } from './session.ts';

/** What a command may use to answer. */
export interface Conversation {
  readonly turn: AgentTurn;
  readonly assistantName: string;
  readonly session: OfflineSession;
  readonly mailbox: MailboxClient;
  readonly now: Date;
  /** IANA name of the owner's time zone. */
  readonly timezone: string;
}

/** One thing that the offline agent can do. */
export interface Command {
  /** Matches the whole request, trigger taken off. */
  readonly pattern: RegExp;
  /** A line for `help`; absent: not listed. */
  readonly help?: string;
  /** True: the command sets tasks, and a task's own run may not, or it could multiply without end. */
  readonly schedules?: boolean;
  /** The answer's text; undefined: the request is none of its own after all. A TurnFailure ends the turn as failed. */
  answer(
    match: RegExpExecArray,
    conversation: Conversation,
  ): Promise<string | undefined> | string | undefined;
}
