import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { TurnFailure } from '../../failure.ts';
import { modelFailure } from '../programs/model-failure.ts';
import { endOf, rewindTo } from '../programs/session-file.ts';

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

/** A step of the loop, as the record has it: one request to the model, and what was done with its answer. */
const LoopEvent = z.object({
  type: z.literal('context.append_loop_event'),
  event: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('content.part'),
      part: z.object({ type: z.string(), text: z.string().optional() }),
    }),
    z.object({ type: z.literal('step.end'), finishReason: z.string().optional() }),
    z.object({ type: z.literal('tool.call') }),
  ]),
});

/** The record that Kimi keeps of a session, `sessions/<working directory>/<id>/agents/main/wire.jsonl`. */
export class TurnRecord {
  readonly #home: string;
  readonly #sessionId: string;
  /** Where it was found; a session that is new has none before its first prompt. */
  #found: string | undefined;
  #begin = 0;

  constructor(home: string, sessionId: string) {
    this.#home = home;
    this.#sessionId = sessionId;
  }

  /** Takes out what came after an answered turn. To be called before the session is loaded. @param place as from `end` */
  async rewindTo(place: string | undefined): Promise<void> {
    await rewindTo(await this.#file(), place);
  }

  /** Where an answered turn left it. To be asked when the session was closed. */
  async end(): Promise<string | undefined> {
    return endOf(await this.#file());
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

  /**
   * An answer without what the model had said when its stream was cut: Kimi asks again, and its updates do not say so.
   * To be asked when the session was closed.
   */
  async withoutCutText(answer: string): Promise<string> {
    const file = await this.#file();
    return file === undefined ? answer : withoutCutText(answer, await readFrom(file, this.#begin));
  }

  async #file(): Promise<string | undefined> {
    if (this.#found === undefined || !(await isThere(this.#found))) this.#found = await this.#find();
    return this.#found;
  }

  async #find(): Promise<string | undefined> {
    const sessions = join(this.#home, 'sessions');
    for (const directory of await readdir(sessions).catch(() => [])) {
      const file = join(sessions, directory, this.#sessionId, 'agents', 'main', 'wire.jsonl');
      if (await isThere(file)) return file;
    }
    return undefined;
  }
}

/** @param lines the record since the turn began, a line of JSON each */
export function lastEnd(lines: string): z.infer<typeof TurnEnded> | undefined {
  return parsed(lines, '"turn.ended"', TurnEnded).at(-1);
}

/** @param lines the record since the turn began. @returns the answer itself where the record does not have all of it */
export function withoutCutText(answer: string, lines: string): string {
  let [said, kept, step] = ['', '', ''];
  for (const { event } of parsed(lines, '"context.append_loop_event"', LoopEvent)) {
    if (event.type === 'tool.call') [said, kept, step] = ['', '', ''];
    else if (event.type === 'content.part') step += event.part.type === 'text' ? (event.part.text ?? '') : '';
    else {
      said += step;
      if (event.finishReason !== 'error') kept += step;
      step = '';
    }
  }
  return said.trim() === answer ? kept.trim() : answer;
}

function parsed<T>(lines: string, mark: string, schema: z.ZodType<T>): T[] {
  return lines
    .split('\n')
    .filter((line) => line.includes(mark))
    .flatMap((line) => {
      try {
        return schema.safeParse(JSON.parse(line)).data ?? [];
      } catch {
        // A line that is still being written.
        return [];
      }
    });
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
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
