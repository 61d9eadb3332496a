import * as z from 'zod';
import { PROVIDERS } from './provider.ts';
import { asSeen, comparable } from './trigger.ts';

/** Files that the agent writes for the host. */

/** The longest text that a single file may ask to send, in characters. */
export const MAX_TEXT_LENGTH = 65_536;

/** The largest file that is sent, in bytes. */
export const MAX_OUTGOING_FILE_BYTES = 100 * 1024 * 1024;

const requestId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .optional()
  .describe('asks for an answer in results/<requestId>.json');
/** People type it too, or paste it with marks that cannot be seen. */
const jid = z.string().transform(asSeen).pipe(z.string().min(1).max(256));
const taskId = z.string().min(1).max(128);
const text = z.string().min(1).max(MAX_TEXT_LENGTH);

export const MessageFile = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message'),
    chatJid: jid,
    text,
    sender: z.string().max(128).optional().describe('a role that the agent speaks as; shown, never trusted'),
    quotedMessageId: z.string().max(256).optional(),
    groupFolder: z.string().optional(),
    timestamp: z.string().optional(),
    requestId,
  }),
  z.object({
    type: z.literal('file'),
    chatJid: jid,
    file: z.string().min(1).max(255).describe('a leaf name in files/'),
    caption: z.string().max(MAX_TEXT_LENGTH).optional(),
    fileName: z.string().max(255).optional(),
    requestId,
  }),
  z.object({
    type: z.literal('reaction'),
    chatJid: jid,
    emoji: z.string().max(64).describe('empty takes the reaction back'),
    messageId: z.string().min(1).max(256),
    requestId,
  }),
]);
export type MessageFile = z.infer<typeof MessageFile>;

export const SCHEDULE_TYPES = ['cron', 'interval', 'once'] as const;
export const ScheduleType = z.enum(SCHEDULE_TYPES);
export type ScheduleType = z.infer<typeof ScheduleType>;

export const CONTEXT_MODES = ['group', 'isolated'] as const;
export const ContextMode = z.enum(CONTEXT_MODES);
export type ContextMode = z.infer<typeof ContextMode>;

/** A number is what people write by hand for an interval. */
const scheduleValue = z.union([z.string().min(1).max(256), z.number()]).transform(String);

export const ContainerConfig = z.looseObject({
  timeout: z.number().int().positive().optional().describe('milliseconds for one turn'),
  provider: z.enum(PROVIDERS).optional().describe('another agent than AGENT_PROVIDER for this group'),
  model: z.string().min(1).max(128).optional().describe('another model than AGENT_MODEL for this group'),
  network: z
    .enum(['open', 'none', 'ordinary'])
    .optional()
    .describe(
      'none: only the model is reached, through the keys’ proxy; open (earlier: ordinary) or absent: what the runtime gives',
    ),
  replyTriggers: z
    .boolean()
    .optional()
    .describe('false: a reply to the assistant’s own message does not trigger it; absent: it does'),
  additionalMounts: z
    .array(
      z.object({
        hostPath: z.string().min(1).max(4096),
        containerPath: z.string().min(1).max(128).optional(),
        readonly: z.boolean().optional(),
      }),
    )
    .max(64)
    .optional(),
});
export type ContainerConfig = z.infer<typeof ContainerConfig>;

export const TaskFile = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('schedule_task'),
    prompt: text,
    schedule_type: ScheduleType,
    schedule_value: scheduleValue,
    context_mode: ContextMode.optional(),
    targetJid: jid.optional(),
    groupFolder: z.string().max(128).optional(),
    chatJid: jid.optional(),
    script: z.string().max(MAX_TEXT_LENGTH).optional(),
    taskId: taskId.optional(),
    requestId,
  }),
  z.object({
    type: z.literal('update_task'),
    taskId,
    prompt: text.optional(),
    schedule_type: ScheduleType.optional(),
    schedule_value: scheduleValue.optional(),
    script: z.string().max(MAX_TEXT_LENGTH).optional(),
    requestId,
  }),
  z.object({ type: z.literal('pause_task'), taskId, requestId }),
  z.object({ type: z.literal('resume_task'), taskId, requestId }),
  z.object({ type: z.literal('cancel_task'), taskId, requestId }),
  z.object({ type: z.literal('run_task'), taskId, requestId }),
  z.object({
    type: z.literal('register_group'),
    jid,
    name: z.string().min(1).max(256),
    folder: z.string().min(1).max(64),
    trigger: z
      .string()
      .max(64)
      .refine((trigger) => comparable(trigger) !== '', 'must hold a character that can be seen')
      .optional(),
    requiresTrigger: z.boolean().optional(),
    containerConfig: ContainerConfig.optional(),
    requestId,
  }),
  z.object({ type: z.literal('unregister_group'), jid, requestId }),
  z.object({ type: z.literal('refresh_groups'), requestId }),
]);
export type TaskFile = z.infer<typeof TaskFile>;

export type MailboxOperation = (MessageFile | TaskFile)['type'];
