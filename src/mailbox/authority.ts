import type { MailboxOperation } from '../protocol/mailbox.ts';

/**
 * Who may do what. The source is the group whose directory the file came from; what the file says of its sender is not
 * even a parameter.
 */
export interface Source {
  readonly folder: string;
  readonly jid: string;
  readonly isMain: boolean;
}

/** What a file asks for, as far as it matters here. */
export type Ask =
  | {
      readonly operation: 'message' | 'file' | 'reaction';
      readonly chatJid: string;
      /** Whether the host has seen the chat or has registered it. */
      readonly chatKnown: boolean;
    }
  | {
      readonly operation: `${'schedule' | 'update' | 'pause' | 'resume' | 'cancel' | 'run'}_task`;
      /** The folder of the group that owns the task; undefined when there is no such group or task. */
      readonly folder: string | undefined;
    }
  | { readonly operation: 'refresh_groups' | 'register_group' | 'unregister_group' };

/** Every operation has its rule: the compiler says so when one is added to the protocol. */
type Covered = Ask['operation'] extends MailboxOperation
  ? MailboxOperation extends Ask['operation']
    ? true
    : never
  : never;
const everyOperationIsCovered: Covered = true;

/**
 * @returns why it is refused, in plain words; undefined when it is allowed. A group other than main gets the same words
 * for what does not exist and for what belongs to somebody else, so that it cannot find out which.
 */
export function refusalOf(source: Source, ask: Ask): string | undefined {
  switch (ask.operation) {
    case 'message':
    case 'file':
    case 'reaction':
      if (source.isMain) {
        return ask.chatKnown
          ? undefined
          : 'No chat with that chatJid is known. Use a jid from available_groups.json.';
      }
      return ask.chatJid === source.jid
        ? undefined
        : 'Only the main channel may write to other chats. Use the chatJid of this chat.';
    case 'schedule_task':
      if (source.isMain) {
        return ask.folder === undefined
          ? 'No group is registered under that name. Register it first, or leave targetJid and groupFolder away to use this chat.'
          : undefined;
      }
      return ask.folder === source.folder
        ? undefined
        : 'Only the main channel may schedule tasks for other groups. Leave targetJid and groupFolder away.';
    case 'update_task':
    case 'pause_task':
    case 'resume_task':
    case 'cancel_task':
    case 'run_task': {
      const allowed = ask.folder !== undefined && (source.isMain || ask.folder === source.folder);
      return allowed ? undefined : 'There is no such task here. The ids are in current_tasks.json.';
    }
    case 'refresh_groups':
    case 'register_group':
    case 'unregister_group':
      return source.isMain && everyOperationIsCovered
        ? undefined
        : 'Only the main channel may do that. Ask for it there.';
  }
}
