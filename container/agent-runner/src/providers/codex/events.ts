import * as z from 'zod';

/** The lines of `codex exec --json` that matter here; fields that are not named are passed over. */
const Event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('thread.started'), thread_id: z.string() }),
  z.object({
    type: z.literal('item.completed'),
    item: z.object({
      type: z.string(),
      text: z.string().optional(),
      message: z.string().optional(),
      server: z.string().optional(),
      tool: z.string().optional(),
      status: z.string().optional(),
      exit_code: z.number().nullish(),
    }),
  }),
  z.object({ type: z.literal('turn.completed') }),
  z.object({ type: z.literal('turn.failed'), error: z.object({ message: z.string() }) }),
  z.object({ type: z.literal('error'), message: z.string() }),
]);
export type CodexEvent = z.infer<typeof Event>;

/** Reads a line of stdout; undefined: nothing that matters here. */
export function parseEvent(line: string): CodexEvent | undefined {
  try {
    return Event.safeParse(JSON.parse(line)).data;
  } catch {
    // No JSON: a line for people.
    return undefined;
  }
}

/** A finished step in a few words for the run log, without what was said or read in it. */
export function describeItem({ item }: Extract<CodexEvent, { type: 'item.completed' }>): string {
  const tool = item.tool === undefined ? '' : ` ${item.server}/${item.tool}`;
  const status = item.status === undefined ? '' : ` ${item.status}`;
  const exit = item.exit_code === undefined || item.exit_code === null ? '' : ` exit ${item.exit_code}`;
  return `${item.type}${tool}${status}${exit}${item.type === 'error' ? ` ${item.message ?? ''}` : ''}`;
}
