import { createHash, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { KeyedProvider } from './model-service.ts';

/** A run that may use a key of the host. */
export interface TokenHolder {
  readonly runId: string;
  readonly groupFolder: string;
  readonly provider: KeyedProvider;
  /** Aborted when the token is taken back: what is under way ends too. */
  readonly released: AbortSignal;
  /** What was told to the operator once for this run. */
  readonly told: Set<string>;
  /** Requests under way. */
  active: number;
}

interface Entry {
  readonly digest: Buffer;
  readonly holder: TokenHolder;
}

/** The tokens that are good now, one per run. Only their digests are kept. */
export class RunTokens {
  readonly #newToken: () => string;
  readonly #entries = new Set<Entry>();

  /** @param newToken makes a secret that no one can guess, fit for a header */
  constructor(newToken: () => string) {
    this.#newToken = newToken;
  }

  /**
   * Makes a token for a run. `release` ends it; calling it again changes nothing.
   * @param prefix what the token begins with, for programs that tell kinds of keys apart
   */
  issue(
    run: { readonly runId: string; readonly groupFolder: string; readonly provider: KeyedProvider },
    prefix = '',
  ): {
    readonly token: string;
    readonly release: () => void;
  } {
    const token = prefix + this.#newToken();
    const released = new AbortController();
    // Every request under way listens.
    setMaxListeners(0, released.signal);
    const { runId, groupFolder, provider } = run;
    const holder = {
      runId,
      groupFolder,
      provider,
      released: released.signal,
      told: new Set<string>(),
      active: 0,
    };
    const entry: Entry = { digest: digest(token), holder };
    this.#entries.add(entry);
    return {
      token,
      release: () => {
        this.#entries.delete(entry);
        released.abort();
      },
    };
  }

  /** Whose token a request shows, in any of the places where agents put their key; undefined: nobody's. */
  holderOf(headers: IncomingHttpHeaders): TokenHolder | undefined {
    const shown = [headers['x-api-key'], /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]];
    for (const token of shown) {
      if (typeof token !== 'string') continue;
      const wanted = digest(token);
      for (const entry of this.#entries) if (timingSafeEqual(entry.digest, wanted)) return entry.holder;
    }
    return undefined;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
