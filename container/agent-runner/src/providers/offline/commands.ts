import { asSeen } from '../../../../../src/protocol/trigger.ts';
import { ATTACHMENT_COMMANDS } from './attachment-commands.ts';
import { CHAT_COMMANDS } from './chat-commands.ts';
import type { Command, Conversation } from './command.ts';
import { withoutCourtesy } from './courtesy.ts';
import { FILE_COMMANDS } from './file-commands.ts';
import { GROUP_COMMANDS } from './group-commands.ts';
import { MEMORY_COMMANDS } from './memory-commands.ts';
import { REMINDER_COMMANDS } from './reminder-commands.ts';
import { EXAMPLES, reminderText } from './reminder-request.ts';
import { TASK_COMMANDS } from './task-commands.ts';

/** The first one whose pattern matches answers. */
const COMMANDS: readonly Command[] = [
  ...CHAT_COMMANDS,
  ...FILE_COMMANDS,
  ...ATTACHMENT_COMMANDS,
  ...REMINDER_COMMANDS,
  ...TASK_COMMANDS,
  ...MEMORY_COMMANDS,
  ...GROUP_COMMANDS,
];

function helpText({ assistantName, turn }: Conversation): string {
  const lines = COMMANDS.flatMap((command) => (command.help === undefined ? [] : [`• ${command.help}`]));
  const where = turn.input.isMain ? '' : '\n\nSome of these only work in the main chat.';
  return `I am ${assistantName}, running as the offline agent: no model, fixed commands. I can:\n${lines.join('\n')}${where}`;
}

/**
 * Answers a request.
 * @param text what is asked, the trigger taken off
 */
export async function answerRequest(text: string, conversation: Conversation): Promise<string> {
  const isTask = conversation.turn.input.isScheduledTask === true;
  if (isTask) {
    const reminder = reminderText(text);
    if (reminder !== undefined) return `Reminder: ${reminder}`;
  }
  if (/^(?:help|what can you do)\b/i.test(text)) return helpText(conversation);
  for (const command of COMMANDS) {
    if (isTask && command.schedules === true) continue;
    const match = command.pattern.exec(text);
    const answer = match === null ? undefined : await command.answer(match, conversation);
    if (answer !== undefined) return answer;
  }
  const seen = asSeen(text);
  if (!isTask && seen !== text) return answerRequest(seen, conversation);
  if (isTask) return `Reminder: ${text}`;
  const plain = withoutCourtesy(text);
  if (plain !== text && plain !== '') return answerRequest(plain, conversation);
  if (text === '')
    return `Yes? I am the offline agent. Say "@${conversation.assistantName} help" to see what I can do.`;
  if (/\b(?:rem+in?d|remainder|alarm|timer|erinner|re[ck][uo]+[eé]?rd|rappel|ricord)/i.test(text))
    return `I did not understand that, and have set nothing. ${EXAMPLES}`;
  return `I am the offline agent and only know a few commands. Say "@${conversation.assistantName} help" to see them.`;
}
