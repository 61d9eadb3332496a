import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { TurnFailure } from '../../failure.ts';
import { modelFailure } from '../programs/model-failure.ts';

/** The end of a turn, as the session's record has it. The protocol itself calls a failed turn an ended one. */
const TurnEnded = z.object({
  type: z.literal('turn.ended'),
  agentId: z.string().optional(),
  reason: z.string(),
  error: z
    .object({
      code: z.string().optional(),
      message: z.string().default(''),
      details: z.object({ statusCode: z.number().nullish() }).nullish(),
    })
    .optional(),
});

/** The record that Kimi keeps of a session, `sessions/<working directory>/<id>/agents/main/wire.jsonl`. */
export class TurnRecord {
  readonly #home: string;
  readonly #sessionId: string;
  #begin = 0;

  constructor(home: string, sessionId: string) {
    this.#home = home;
    this.#sessionId = sessionId;
  }

  /** From here on it is the coming turn's. */
  async mark(): Promise<void> {
    const file = await this.#file();
    this.#begin = file === undefined ? 0 : (await stat(file)).size;
  }

  /** Why the turn since the mark failed; undefined: it did not. To be asked when the session was closed. */
  async failure(): Promise<TurnFailure | undefined> {
    const file = await this.#file();
    if (file === undefined) return undefined;
    const end = lastEnd(await readFrom(file, this.#begin));
    if (end?.reason !== 'failed') return undefined;
    const { code = '', message = '', details } = end.error ?? {};
    return modelFailure(`${message} (${code})`, details?.statusCode ?? undefined);
  }

  async #file(): Promise<string | undefined> {
    const sessions = join(this.#home, 'sessions');
    for (const directory of await readdir(sessions).catch(() => [])) {
      const file = join(sessions, directory, this.#sessionId, 'agents', 'main', 'wire.jsonl');
      if (await stat(file).catch(() => undefined)) return file;
    }
    return undefined;
  }
}

/** @param lines the record since the turn began, a line of JSON each */
export function lastEnd(lines: string): z.infer<typeof TurnEnded> | undefined {
  return lines
    .split('\n')
    .filter((line) => line.includes('"turn.ended"'))
    .flatMap((line) => {
      try {
        return TurnEnded.safeParse(JSON.parse(line)).data ?? [];
      } catch {
        // A line that is still being written.
        return [];
      }
    })
    .at(-1);
}

/** The text of a file from an offset in bytes. */
export async function readFrom(path: string, begin: number): Promise<string> {
  const file = await open(path);
  try {
    const size = Math.max(0, (await file.stat()).size - begin);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, begin);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
