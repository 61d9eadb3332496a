import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type PromptAttachment, parsePrompt } from '../../../../../src/protocol/prompt.ts';
import type { Command } from './command.ts';
import { withoutPaths } from './host-reply.ts';

const whatDidISend: Command = {
  pattern: /^(?:what did i (?:just )?send|what is (?:this|that))[.!?]*$/i,
  help: 'what is this? (with a file)',
  answer: async (_, { turn }) => {
    const attachments = parsePrompt(turn.prompt).messages.flatMap((message) => message.attachments ?? []);
    if (attachments.length === 0) return 'I see no file in what you wrote.';
    const lines = await Promise.all(
      attachments.map((attachment) => describe(attachment, turn.layout.attachments)),
    );
    return lines.join('\n');
  },
};

async function describe(attachment: PromptAttachment, directory: string): Promise<string> {
  const { type, path, mime, size, name, error, transcript } = attachment;
  const called = name === undefined ? '' : ` “${name}”`;
  const said = transcript === undefined ? '' : `, which says “${transcript}”`;
  if (path === undefined)
    return `A file (${type})${called} that I cannot see: ${error ?? 'nobody says why'}${said}`;
  const problem = error === undefined ? '' : ` (${error})`;
  return `A file (${type})${called} of type ${mime}, ${size} bytes, ${await look(join(directory, basename(path)))}${said}${problem}`;
}

async function look(file: string): Promise<string> {
  try {
    const hash = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return `with the checksum ${hash.slice(0, 12)}`;
  } catch (error) {
    return `which I cannot read: ${withoutPaths(error instanceof Error ? error.message : String(error))}`;
  }
}

/** What shows that files arrive. */
export const ATTACHMENT_COMMANDS: readonly Command[] = [whatDidISend];
