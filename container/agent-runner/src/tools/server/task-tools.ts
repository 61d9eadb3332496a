import * as z from 'zod';
import {
  ContextMode,
  MAX_TEXT_LENGTH,
  ScheduleType,
  type TaskFile,
} from '../../../../../src/protocol/mailbox.ts';
import { answerOf, nextRunText } from './answer.ts';
import type { ToolFamily } from './tool-context.ts';

/** How a task is named: by the id that schedule_task and list_tasks give. */
export const taskId = z.string().min(1).max(128).describe('the id that schedule_task or list_tasks gave');

const prompt = z.string().min(1).max(MAX_TEXT_LENGTH);
const scheduleValue = z
  .string()
  .min(1)
  .max(256)
  .describe(
    'cron: five fields (minute hour day month weekday) in local time, "0 9 * * 1-5" is 9:00 on weekdays, or one of @hourly @daily @weekly @monthly @yearly. interval: milliseconds, a minute or more, "3600000" is every hour. once: a local time without offset, "2026-03-01T15:30:00"',
  );
const script = z
  .string()
  .max(MAX_TEXT_LENGTH)
  .describe(
    'a shell script that runs first, in your working directory; its last line of output must be {"wakeAgent":true|false,"data":…}. With false the task ends without you: cheap for "tell me when …". Empty takes it away',
  );

/** A file without the fields that were not given. */
function withoutAbsent<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}

/** Another group as the target of a task; only the main channel is shown it. */
function targetParameters(isMain: boolean): {
  targetJid?: z.ZodOptional<z.ZodString>;
  groupFolder?: z.ZodOptional<z.ZodString>;
} {
  if (!isMain) return {};
  return {
    targetJid: z
      .string()
      .optional()
      .describe('another active group, as list_groups names it; absent: this chat'),
    groupFolder: z.string().optional().describe('the same, by the group’s folder'),
  };
}

/** Setting a task, and changing what it does. */
export const taskTools: ToolFamily = (server, { mailbox, chatJid, isMain }) => {
  server.registerTool(
    'schedule_task',
    {
      description: [
        'Have something done later, once or again and again: a reminder, a daily report, a watch over something. When it is due you are started anew with the prompt,',
        'with all your tools, and your answer is sent to the chat. Nobody is there to be asked then: write the prompt so that it can be understood without this conversation.',
        'Times are local: do not convert them. The answer says the id and the next three runs: check them, and tell people the first. This is the only way to do something later:',
        'cron, at, sleep and background processes end with this turn.',
      ].join(' '),
      inputSchema: {
        prompt: prompt.describe('what is to be done when the task runs'),
        schedule_type: ScheduleType,
        schedule_value: scheduleValue,
        context_mode: ContextMode.optional().describe(
          'group: the task knows this chat’s conversation, good for reminders and follow-ups. isolated (default): it starts afresh each time, good for repeated jobs',
        ),
        script: script.optional(),
        ...targetParameters(isMain),
      },
    },
    async (task) => {
      const elsewhere = task.targetJid !== undefined || task.groupFolder !== undefined;
      const file = { type: 'schedule_task' as const, ...task, ...(elsewhere ? {} : { targetJid: chatJid }) };
      const reply = await mailbox.send(withoutAbsent(file) as TaskFile);
      return answerOf(reply, (result) => `Task ${result.taskId} is set.${nextRunText(result)}`);
    },
  );

  server.registerTool(
    'update_task',
    {
      description:
        'Change a task: what it does, or when. What is not given stays as it is. The answer says the next three runs.',
      inputSchema: {
        taskId,
        prompt: prompt.optional(),
        schedule_type: ScheduleType.optional(),
        schedule_value: scheduleValue.optional(),
        script: script.optional(),
      },
    },
    async (change) => {
      const file = { type: 'update_task' as const, ...change };
      const reply = await mailbox.send(withoutAbsent(file) as TaskFile);
      return answerOf(reply, (result) => `Task ${change.taskId} is changed.${nextRunText(result)}`);
    },
  );
};
