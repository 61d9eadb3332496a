import { randomBytes } from 'node:crypto';

/** Looks like WhatsApp's: a version, a bucket, a name. */
const PREFIX = '/v/t62.7118-24/';
const NAME_BYTES = 12;

interface Stored {
  ciphertext: Buffer;
  lost: boolean;
}

/** Encrypted files by their direct path, as the media servers keep them for some weeks. */
export class MediaStore {
  readonly #files = new Map<string, Stored>();

  /** Keeps a file; returns its direct path. */
  put(ciphertext: Buffer): string {
    const path = `${PREFIX}${randomBytes(NAME_BYTES).toString('hex')}.enc`;
    this.#files.set(path, { ciphertext, lost: false });
    return `${path}?ccb=11-4`;
  }

  /** The file at a direct path; 'lost' when it was there once. */
  get(directPath: string): Buffer | 'lost' | undefined {
    const stored = this.#find(directPath);
    return stored?.lost ? 'lost' : stored?.ciphertext;
  }

  /** What the phone still has of a file that the servers lost: puts it back under a new direct path. */
  restore(directPath: string): string | undefined {
    const stored = this.#find(directPath);
    return stored && this.put(stored.ciphertext);
  }

  /** Forgets all files; returns how many there were. */
  lose(): number {
    const kept = [...this.#files.values()].filter(({ lost }) => !lost);
    for (const stored of kept) stored.lost = true;
    return kept.length;
  }

  #find(directPath: string): Stored | undefined {
    return this.#files.get(directPath.replace(/\?.*/, ''));
  }
}
