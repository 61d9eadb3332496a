import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MailboxResult } from '../../../../src/protocol/host-files.ts';
import type { Layout } from '../../../../src/protocol/layout.ts';
import type { MessageFile, TaskFile } from '../../../../src/protocol/mailbox.ts';
import { waitForResult } from './results.ts';

/** How long a tool waits for the host's answer. */
export const ANSWER_TIMEOUT_MS = 10_000;

/**
 * What became of a request to the host.
 * - `answered`: the host's own word, yes or no.
 * - `unconfirmed`: the file was written, and no answer came in time (a bare `docker run` has no host).
 * - `unwritable`: the mailbox could not be written.
 */
export type MailboxReply =
  | { readonly kind: 'answered'; readonly result: MailboxResult }
  | { readonly kind: 'unconfirmed' }
  | { readonly kind: 'unwritable'; readonly error: string };

const MESSAGE_TYPES: ReadonlySet<string> = new Set([
  'message',
  'file',
  'reaction',
] satisfies MessageFile['type'][]);

/** Asks the host to do something, by a file in the mailbox, and waits for its answer. */
export class MailboxClient {
  readonly #layout: Layout;
  readonly #timeoutMs: number;

  constructor(layout: Layout, timeoutMs: number = ANSWER_TIMEOUT_MS) {
    this.#layout = layout;
    this.#timeoutMs = timeoutMs;
  }

  /** Never rejects: what went wrong is in the reply. */
  async send(request: MessageFile | TaskFile): Promise<MailboxReply> {
    const requestId = randomUUID();
    const directory = MESSAGE_TYPES.has(request.type) ? this.#layout.messages : this.#layout.tasks;
    const temporary = join(directory, `.${requestId}.tmp`);
    try {
      await writeFile(temporary, JSON.stringify({ ...request, requestId }), { flag: 'wx' });
      await rename(temporary, join(directory, `${Date.now()}-${requestId}.json`));
    } catch (error) {
      return { kind: 'unwritable', error: (error as Error).message };
    }
    const result = await waitForResult(this.#layout.results, requestId, this.#timeoutMs);
    return result === undefined ? { kind: 'unconfirmed' } : { kind: 'answered', result };
  }
}
