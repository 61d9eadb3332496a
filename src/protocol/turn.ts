import * as z from 'zod';
import type { OutputFrame } from './output-frame.ts';
import { PROVIDERS } from './provider.ts';

export type { OutputFrame } from './output-frame.ts';

/** What the host writes to the container's stdin: one JSON object, then end of file. */
export const TurnInput = z.object({
  prompt: z.string().describe('the turn, formatted as protocol/prompt.ts does'),
  sessionId: z.string().optional().describe('the agent session to resume; absent: a new one'),
  groupFolder: z.string().describe("the group's folder name"),
  chatJid: z.string().describe('where the answer goes'),
  isMain: z.boolean().default(false).describe("the main channel's privileges"),
  isScheduledTask: z.boolean().optional().describe("a task's run, not a person's message"),
  assistantName: z.string().optional().describe('what the assistant is called, for example Andy'),
  provider: z.enum(PROVIDERS).optional().describe('which agent; absent: env-dir or the environment decides'),
  model: z.string().optional().describe("the agent's model; absent: its own default"),
  resumeAt: z
    .string()
    .optional()
    .describe(
      'where the last answered turn ended: a message’s id of Claude, a length in bytes of the others',
    ),
  secrets: z
    .record(z.string(), z.string())
    .optional()
    .describe('keys, only with CREDENTIALS=mount; never logged'),
  script: z.string().optional().describe("a task's gate script, run before the agent"),
});
export type TurnInput = z.infer<typeof TurnInput>;

export const FRAME_START = '---NANOCLAW_OUTPUT_START---';
export const FRAME_END = '---NANOCLAW_OUTPUT_END---';

/** One frame as the lines that go to stdout, the last one ended. */
export function encodeFrame(frame: OutputFrame): string {
  return `${FRAME_START}\n${JSON.stringify(frame)}\n${FRAME_END}\n`;
}

/**
 * An opening, closing or empty tag, in any case; one that the end of the text cuts off counts. Neither `<internal-ip>`
 * nor a comparison (`a < internal b`) is one.
 */
const INTERNAL_TAG =
  /<\s*(?:(\/)\s*)?internal(?![^\s/>])(?:\s+[\w-]+\s*=[^<>]*?|\s*)(\/?)>|<(\/?)internal(?:\s+[\w-]+\s*=[^<>]*|\s*\/?)$/gi;

/**
 * The part of an answer that a person sees: `<internal>` text is removed, nested too, and up to the end where the closing tag is
 * missing. Empty: a silent answer.
 */
export function visibleText(result: string): string {
  let visible = '';
  let depth = 0;
  let end = 0;
  for (const tag of result.matchAll(INTERNAL_TAG)) {
    const [whole, closing, empty, cutOff] = tag;
    if (depth === 0) visible += result.slice(end, tag.index);
    if (closing === '/' || cutOff === '/') depth = Math.max(0, depth - 1);
    else if (empty !== '/') depth += 1;
    end = tag.index + whole.length;
  }
  return (depth === 0 ? visible + result.slice(end) : visible).trim();
}
