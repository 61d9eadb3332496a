import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { timeLimit } from '../time-limit.ts';
import { cleanTranscript, type Transcriber } from './transcriber.ts';

export interface ServiceTranscriberOptions {
  /** The service's base, like `https://api.openai.com/v1`. */
  readonly url: string;
  readonly model: string;
  /** Read at each use. */
  readonly key: () => string | undefined;
  /** In milliseconds. */
  readonly timeoutMs: number;
}

/** Many times what the longest transcript takes. In bytes. */
const MAX_ANSWER = 1_048_576;

const Answer = z.object({ text: z.string() });

/** A service that speaks OpenAI's protocol for transcriptions. */
export class ServiceTranscriber implements Transcriber {
  readonly #options: ServiceTranscriberOptions;

  constructor(options: ServiceTranscriberOptions) {
    this.#options = options;
  }

  async transcribe(file: string, signal: AbortSignal): Promise<string> {
    const { model, key, timeoutMs } = this.#options;
    const form = new FormData();
    form.set('model', model);
    form.set('response_format', 'json');
    form.set('file', await openAsBlob(file), basename(file));
    const secret = key();
    const limit = timeLimit(signal, timeoutMs);
    try {
      return await this.#ask(form, secret, limit.signal);
    } finally {
      limit.clear();
    }
  }

  async #ask(form: FormData, secret: string | undefined, signal: AbortSignal): Promise<string> {
    const { url } = this.#options;
    const response = await fetch(`${url.replace(/\/+$/, '')}/audio/transcriptions`, {
      method: 'POST',
      body: form,
      // The key is for this address and no other.
      redirect: 'error',
      headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
      signal,
    });
    if (!response.ok) {
      // What the service says may hold parts of the key.
      await response.body?.cancel();
      throw new Error(`the transcription service answered ${response.status}`);
    }
    const answer = Answer.safeParse(parsed(await bounded(response)));
    if (!answer.success) throw new Error('the transcription service answered without a text');
    return cleanTranscript(answer.data.text);
  }
}

/** @throws when there is more of it than may be read; the rest stays unread */
async function bounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) throw new Error('the transcription service answered more than 1 MB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The parser's error would quote what was said. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
