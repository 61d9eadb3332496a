import * as z from 'zod';

/** Files that the host writes for the agent. Apart from mailbox.ts, whose schemas take their time to load in every sandbox. */

/** The answer to a file that carried a requestId. */
export const MailboxResult = z.discriminatedUnion('ok', [
  z.looseObject({
    ok: z.literal(true),
    taskId: z.string().optional(),
    nextRun: z.string().nullish().describe('ISO instant'),
    nextRunLocal: z.string().nullish().describe("the same in the owner's time, for people"),
    nextRunsLocal: z
      .array(z.string())
      .optional()
      .describe('the next three runs, the first included, likewise'),
    folder: z.string().optional(),
    note: z.string().optional().describe('what was done in another way than asked'),
    held: z.array(z.string()).optional().describe('what was requested and not granted, by field'),
    hint: z.string().optional().describe('the command with which the owner grants what was held'),
  }),
  z.object({
    ok: z.literal(false),
    error: z.string(),
    intervalLimitsMs: z
      .object({ min: z.number(), max: z.number() })
      .optional()
      .describe('for an interval that is too short or too long: what is accepted'),
  }),
]);
export type MailboxResult = z.infer<typeof MailboxResult>;

/** One entry of `current_tasks.json`. */
export const TaskSnapshot = z.object({
  id: z.string(),
  groupFolder: z.string(),
  chatName: z.string().optional().describe('what the chat of that folder is called'),
  prompt: z.string(),
  script: z.string().optional(),
  schedule_type: z
    .string()
    .describe('cron, interval or once; a row that was written by hand may have another'),
  schedule_value: z.string(),
  status: z.string(),
  next_run: z.string().nullable(),
});
export type TaskSnapshot = z.infer<typeof TaskSnapshot>;

/** `available_groups.json`. */
export const GroupsSnapshot = z.object({
  groups: z.array(
    z.object({
      jid: z.string(),
      name: z.string(),
      lastActivity: z.string(),
      isRegistered: z.boolean(),
      members: z.number().optional().describe('how many people are in it'),
      memberNames: z.array(z.string()).optional().describe('of a registered group, the first of them'),
    }),
  ),
  lastSync: z.string(),
});
export type GroupsSnapshot = z.infer<typeof GroupsSnapshot>;
