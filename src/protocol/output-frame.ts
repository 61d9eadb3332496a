import * as z from 'zod';

/** The answer of v1's runner of February 2026: what is not for the chat is its log. */
const StructuredResult = z
  .object({ outputType: z.string().optional(), userMessage: z.string().nullish() })
  .refine(({ outputType, userMessage }) => outputType !== undefined || typeof userMessage === 'string', {
    message: 'a result that is an object needs outputType or userMessage',
  })
  .transform(({ outputType, userMessage }) => (outputType === 'log' ? '' : (userMessage ?? '')));

/** As the agents name sessions and places in them: no path, and nothing that begins like an option. */
const AgentId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/, 'newSessionId and resumeAt are letters, digits and . _ : -');

/**
 * What the container says on stdout between the markers. Apart from turn.ts: only the host checks it, and every sandbox
 * waits for the schemas that it loads.
 */
export const OutputFrame = z
  .object({
    status: z.enum(['success', 'error']),
    result: z
      .union([z.string(), StructuredResult])
      .nullish()
      .describe('becomes a message; null only reports the session'),
    newSessionId: AgentId.optional(),
    resumeAt: AgentId.optional(),
    followUps: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        'how many follow-ups, in the order of their files, this answer and those before it have answered; absent: all whose file is gone',
      ),
    error: z.string().optional().describe('why it failed; set when status is error'),
    errorKind: z
      .enum([
        'no_key',
        'key_refused',
        'permission',
        'billing',
        'model_unknown',
        'prompt_too_long',
        'request_refused',
        'rate_limit',
        'overloaded',
        'service_error',
        'network',
        'session_lost',
        'not_installed',
        'other',
      ])
      // A later runner may name a kind that this host does not know.
      .catch('other')
      .optional()
      .describe('the cause, where the runner can tell: decides whether another try can heal it'),
    retryAfterSeconds: z
      .number()
      .min(0)
      .optional()
      .catch(undefined)
      .describe('when the model’s service answers again, in seconds from now, where it says so'),
    advice: z
      .string()
      .optional()
      .describe(
        'what the owner can do about the error, in a sentence for the main channel that holds no secret',
      ),
  })
  .refine((frame) => frame.status === 'success' || frame.error !== undefined, {
    message: 'an error frame needs an error',
  });
export type OutputFrame = z.infer<typeof OutputFrame>;
