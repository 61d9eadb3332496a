import * as z from 'zod';

/** A follow-up that the host puts into `input/` while the agent works. */
export const InputFile = z.object({ type: z.literal('message'), text: z.string() });
export type InputFile = z.infer<typeof InputFile>;
