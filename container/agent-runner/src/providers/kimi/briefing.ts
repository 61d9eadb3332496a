import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Memory } from '../memory.ts';
import type { AgentTurn } from '../provider.ts';
import { systemText } from '../system-text.ts';

/** Which session was told what last: a hash per session id, the oldest first. */
const Told = z.record(z.string(), z.string());
const TOLD_FILE = 'nanoclaw-told.json';
/** Tasks have sessions of their own: older ones are told anew. */
const KEPT_SESSIONS = 50;

/** All that Kimi is to know beside the prompt, memories included, as they are now. */
export function kimiBriefing({ input, layout }: Pick<AgentTurn, 'input' | 'layout'>, memory: Memory): string {
  const parts = [systemText(input, layout)];
  if (memory.global !== undefined) parts.push(`# Memory of all chats\n\n${memory.global.trim()}`);
  if (memory.group !== undefined) parts.push(`# Memory of this chat\n\n${memory.group.trim()}`);
  if (memory.earlier !== undefined) parts.push(memory.earlier);
  return parts.join('\n\n');
}

/**
 * What Kimi was told of its situation: its system prompt and memory freeze with the session, so both come with a prompt,
 * whole and only when they changed.
 */
export class Briefing {
  readonly #file: string;
  readonly #text: string;
  readonly #hash: string;

  constructor(home: string, text: string) {
    this.#file = join(home, TOLD_FILE);
    this.#text = text;
    this.#hash = createHash('sha256').update(text).digest('hex');
  }

  /** The prompt, with the briefing before it where this session does not know it as it is now. */
  async withPrompt(prompt: string, resumed: string | undefined): Promise<string> {
    const told = resumed === undefined ? undefined : (await this.#read())[resumed];
    // A prompt that begins with a stroke would be taken as a command to the program.
    if (told === this.#hash) return prompt.startsWith('/') ? `\n${prompt}` : prompt;
    const opening =
      told === undefined ? '' : 'This replaces what you were told of your situation and memory before.\n\n';
    return `<briefing>\n${opening}${this.#text}\n</briefing>\n\n${prompt}`;
  }

  /** The session has been told. @param known false: it may have forgotten it again */
  async told(sessionId: string, known: boolean): Promise<void> {
    const { [sessionId]: _, ...others } = await this.#read();
    const kept = Object.entries(others).slice(1 - KEPT_SESSIONS);
    const now = Object.fromEntries([...kept, ...(known ? [[sessionId, this.#hash] as const] : [])]);
    await writeFile(this.#file, JSON.stringify(now)).catch((error: Error) => {
      process.stderr.write(`what was told is not kept: ${error.message}\n`);
    });
  }

  async #read(): Promise<Record<string, string>> {
    try {
      return Told.parse(JSON.parse(await readFile(this.#file, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        process.stderr.write(`${this.#file} is no list of sessions, all are told anew\n`);
      }
      return {};
    }
  }
}
