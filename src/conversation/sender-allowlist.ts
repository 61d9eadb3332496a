import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { handWritten } from '../hand-written.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import { brokenAllowlist } from './notices.ts';
import { EVERYBODY, judgeSender, NOBODY, SenderRules, type Standing } from './sender-rules.ts';

const LARGEST_BYTES = 1_000_000;

export interface SenderAllowlistOptions {
  /** `sender-allowlist.json`, where no sandbox can write: it is read in one go, on the event loop. */
  readonly file: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

interface MessageOfSomebody {
  readonly chatJid: string;
  readonly senderJid: string;
  readonly fromMe?: boolean | undefined;
}

interface Reading {
  readonly rules: SenderRules;
  /** For `status`: who may call. */
  readonly words: string;
  /** Why the file does not count. */
  readonly problem?: string | undefined;
}

/**
 * Who may call the assistant. Without a file everybody may; with one that cannot be read the owner alone, who is told once.
 */
export class SenderAllowlist {
  readonly #options: SenderAllowlistOptions;
  /** Tells one state of the file from another. */
  #stamp: string | undefined;
  #reading: Reading = { rules: NOBODY, words: 'not read yet' };
  #isReported = true;

  constructor(options: SenderAllowlistOptions) {
    this.#options = options;
  }

  /**
   * Takes in what changed in the file. To be called before `judge`, outside a transaction.
   * @throws the database's error when the news cannot be stored; the next call tries again
   */
  refresh(): void {
    const stamp = stampOf(this.#options.file);
    if (stamp !== this.#stamp) {
      this.#reading = read(this.#options.file);
      this.#stamp = stamp;
      this.#isReported = false;
    }
    if (this.#isReported) return;
    this.#report();
    this.#isReported = true;
  }

  /** The owner, on whatever device, is always allowed. */
  judge(message: MessageOfSomebody): Standing {
    const { store } = this.#options;
    if (message.fromMe || message.senderJid === store.state.get('account')) return 'allowed';
    return judgeSender(this.#reading.rules, message, (jid) => store.samePerson.current(jid));
  }

  /** Says in the log that somebody was not heard, if the file wants that. */
  noteDenied({ chatJid, senderJid }: MessageOfSomebody, standing: Exclude<Standing, 'allowed'>): void {
    if (!this.#reading.rules.logDenied) return;
    const facts = { chat: chatJid, sender: senderJid };
    this.#options.log.info(facts, `A sender is not allowed to call the assistant: ${OUTCOME[standing]}`);
  }

  #report(): void {
    const { store, clock, log, file } = this.#options;
    const { words, problem } = this.#reading;
    if (problem === undefined) log.info(`Who may call the assistant: ${words}`);
    else log.error(`${problem}. Until it is mended or removed only the owner can call the assistant`);
    store.transaction(() => {
      if (store.state.get('senders') === words) return;
      store.state.set('senders', words);
      const main = store.groups.main();
      if (problem === undefined || main === undefined) return;
      const message = { kind: 'text', text: brokenAllowlist(file, problem) } as const;
      store.outbox.add({ chatJid: main.jid, message, source: 'notice' }, clock.now());
    });
  }
}

const OUTCOME = {
  context: 'the message waits for somebody else’s call',
  dropped: 'the message is not stored',
} as const;

function stampOf(file: string): string {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(file, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

function read(file: string): Reading {
  try {
    const found = statSync(file);
    if (!found.isFile() || found.size > LARGEST_BYTES) return closed(`${file} is no file of a sensible size`);
    const parsed = SenderRules.safeParse(JSON.parse(handWritten(readFileSync(file), file)));
    if (!parsed.success) return closed(`${file} does not say who may call: ${z.prettifyError(parsed.error)}`);
    return { rules: parsed.data, words: `those whom ${file} names` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { rules: EVERYBODY, words: 'everybody' };
    return closed(`${file} cannot be read: ${message}`);
  }
}

function closed(problem: string): Reading {
  return { rules: NOBODY, words: `only you: ${problem}`, problem };
}
