import { createHash, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { KeyedProvider } from './model-service.ts';

/** A run that may use a key of the host, as long as it is under way. Only the digest of its token is kept. */
export class TokenHolder {
  readonly runId: string;
  readonly groupFolder: string;
  readonly provider: KeyedProvider;
  /** What was told to the operator once for this run. */
  readonly told = new Set<string>();
  /** Requests under way. */
  active = 0;
  readonly #digest: Buffer;
  readonly #releasing = new AbortController();

  /** @param token a secret that no one can guess, fit for a header */
  constructor(
    run: { readonly runId: string; readonly groupFolder: string; readonly provider: KeyedProvider },
    token: string,
  ) {
    this.runId = run.runId;
    this.groupFolder = run.groupFolder;
    this.provider = run.provider;
    this.#digest = digest(token);
    // Every request under way listens.
    setMaxListeners(0, this.#releasing.signal);
  }

  /** Aborted when the token is taken back: what is under way ends too. */
  get released(): AbortSignal {
    return this.#releasing.signal;
  }

  /** Takes the token back. Calling it again changes nothing. */
  release(): void {
    this.#releasing.abort();
  }

  /** Whether a request shows this run's token, in any of the places where agents put their key. */
  isShownBy(headers: IncomingHttpHeaders): boolean {
    if (this.released.aborted) return false;
    const shown = [headers['x-api-key'], /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]];
    return shown.some((token) => typeof token === 'string' && timingSafeEqual(digest(token), this.#digest));
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
