import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cutText } from '../../../../../src/protocol/graphemes.ts';
import { readTranscript, type Utterance } from './transcript.ts';

/** Where conversations are kept, below the group's folder. */
const DIRECTORY = 'conversations';
/** A longer transcript would cost more memory than the archive is worth. */
const MAX_TRANSCRIPT_BYTES = 64 * 1024 * 1024;
const MAX_SLUG_LENGTH = 40;
const MAX_NAMES = 100;

/**
 * Keeps what was said since the last compaction as a Markdown file, before the program replaces it by a summary. Never
 * rejects: a conversation that cannot be kept is named on stderr, and the program goes on.
 * @param transcript the program's own file
 * @returns the file's path; undefined when there was nothing to keep, or it could not be kept
 */
export async function archiveConversation(
  transcript: string,
  group: string,
  now: Date,
): Promise<string | undefined> {
  try {
    const { size } = await stat(transcript);
    if (size > MAX_TRANSCRIPT_BYTES) throw new Error(`it has ${size} bytes`);
    const said = readTranscript(await readFile(transcript, 'utf8'));
    if (said.length === 0) return undefined;
    const directory = join(group, DIRECTORY);
    await mkdir(directory, { recursive: true });
    return await writeNew(directory, `${localDate(now)}-${slugOf(said)}`, markdown(said, now));
  } catch (error) {
    process.stderr.write(`the conversation ${transcript} is not archived: ${(error as Error).message}\n`);
    return undefined;
  }
}

/** Several conversations of a day may begin alike: none replaces another. */
async function writeNew(directory: string, name: string, text: string): Promise<string> {
  for (let number = 1; number <= MAX_NAMES; number += 1) {
    const path = join(directory, `${name}${number === 1 ? '' : `-${number}`}.md`);
    try {
      await writeFile(path, text, { flag: 'wx' });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  throw new Error(`${directory} holds ${MAX_NAMES} files of the name ${name}`);
}

/** The day in local time. */
function localDate(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** The beginning of what the first person said, as a file's name. */
function slugOf(said: readonly Utterance[]): string {
  const first = said.find(({ speaker }) => speaker === 'person')?.text ?? '';
  const slug = first
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^\p{Letter}\p{Number}]+/gu, '-');
  const cut = cutText(slug, MAX_SLUG_LENGTH).replace(/^-+|-+$/g, '');
  return cut === '' ? 'conversation' : cut;
}

function markdown(said: readonly Utterance[], now: Date): string {
  const lines = said.map(({ speaker, name, text }) => {
    const who = speaker === 'assistant' ? 'Assistant' : name === '' ? 'Person' : name;
    return `**${who}**: ${text}`;
  });
  return `# Conversation up to ${localDate(now)}\n\n${lines.join('\n\n')}\n`;
}
