import * as z from 'zod';
import { parsePrompt } from '../../../../../src/protocol/prompt.ts';

/** One thing that was said. */
export interface Utterance {
  readonly speaker: 'person' | 'assistant';
  /** Empty: the assistant, or what has no name. */
  readonly name: string;
  readonly text: string;
}

const Block = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.string() }),
]);
const Content = z.union([z.string(), z.array(Block)]);

/** The lines of a transcript that matter here; there are many other kinds. */
const Line = z.looseObject({
  type: z.string(),
  subtype: z.string().optional(),
  isSidechain: z.boolean().optional(),
  isMeta: z.boolean().optional(),
  isCompactSummary: z.boolean().optional(),
  isApiErrorMessage: z.boolean().optional(),
  message: z.looseObject({ content: Content }).optional(),
  attachment: z.looseObject({ type: z.string(), prompt: Content.optional() }).optional(),
});
type Line = z.infer<typeof Line>;

/** What the program wrote in a person's name. */
const NOT_SAID = /^\s*<(?:system-reminder|command-name|local-command-)/;

function textOf(content: z.infer<typeof Content>): string {
  if (typeof content === 'string') return NOT_SAID.test(content) ? '' : content;
  return content
    .flatMap((block) => (block.type === 'text' && typeof block.text === 'string' ? [block.text] : []))
    .filter((text) => !NOT_SAID.test(text))
    .join('\n')
    .trim();
}

function parseLine(text: string): Line | undefined {
  try {
    const parsed = Line.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // A line that is cut off in the middle costs that line.
    return undefined;
  }
}

/** A prompt of this house, message by message; any other text as it is. */
function personsWords(text: string): Utterance[] {
  const { messages } = parsePrompt(text);
  if (messages.length === 0) return [{ speaker: 'person', name: '', text }];
  return messages.map(({ sender, text: words }) => ({ speaker: 'person', name: sender, text: words }));
}

function utterancesOf(line: Line): Utterance[] {
  if (line.isSidechain || line.isMeta || line.isCompactSummary || line.isApiErrorMessage) return [];
  if (line.type === 'attachment' && line.attachment?.type === 'queued_command') {
    const text = textOf(line.attachment.prompt ?? '');
    return text === '' ? [] : personsWords(text);
  }
  const text = line.message === undefined ? '' : textOf(line.message.content);
  if (text === '') return [];
  if (line.type === 'assistant') return [{ speaker: 'assistant', name: '', text }];
  return line.type === 'user' ? personsWords(text) : [];
}

/**
 * What was said in a transcript of Claude's (JSON lines) since it was last compacted: what lies before was archived then.
 * Tools, reminders and subagents are left out.
 */
export function readTranscript(text: string): Utterance[] {
  const lines = text.split('\n').flatMap((line) => parseLine(line) ?? []);
  const compacted = lines.findLastIndex(
    ({ type, subtype }) => type === 'system' && subtype === 'compact_boundary',
  );
  return lines.slice(compacted + 1).flatMap(utterancesOf);
}
