import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BinaryNode, buildAckStanza, type SocketConfig, type WASocket } from '@whiskeysockets/baileys';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import { isBehind, isPassing } from '../../machine-trouble.ts';
import { replaceFile } from '../../replace-file.ts';
import { encodeValue } from './credentials-codec.ts';
import { textOf } from './errors.ts';

type BaileysLog = SocketConfig['logger'];
type Socket = Pick<WASocket, 'ws' | 'sendNode' | 'authState'>;

interface Handling {
  current?: { readonly socket: Socket; readonly node: BinaryNode };
}

/** So often handling a stanza may fail until it is given up. */
const MAX_FAILURES = 2;
const MAX_COUNTED = 1_000;
const MAX_FILES = 5;
/** How Baileys begins to report an error that it swallows; the stanza has no receipt and no ack then. */
const SWALLOWED = "unexpected error in '";

/**
 * What cannot be decoded or handled, and would be brought again at each login for ever:
 *
 * - A frame that is no stanza is skipped at once. It has no id that could be acknowledged.
 * - A stanza whose handling fails is left to the server the first time, since the cause may be passing. When it fails
 *   again it is acknowledged, so that the server forgets it. A journal that cannot be written is no such failure.
 *
 * Both are kept for a bug report, a few of them. Of a frame Baileys gives nothing but the error.
 */
export class Undecodable {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #handling = new AsyncLocalStorage<Handling>();
  readonly #failures = new Map<string, number>();
  #writing: Promise<unknown> = Promise.resolve();

  /** @param directory made when there is something to keep */
  constructor(directory: string, clock: Clock, log: Log) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
  }

  /** Runs the handling of a stanza, so that an error which Baileys only logs is counted as this stanza's. */
  async during(socket: Socket, node: BinaryNode, work: () => Promise<void>): Promise<void> {
    const handling: Handling = { current: { socket, node } };
    try {
      await this.#handling.run(handling, work);
    } finally {
      // What was begun meanwhile and goes on has this context for ever.
      delete handling.current;
    }
  }

  /** Baileys' log, in which this finds the errors that Baileys swallows. */
  watch(log: BaileysLog): BaileysLog {
    return {
      ...log,
      error: (fields: unknown, message?: string) => {
        log.error(fields, message);
        const handling = this.#handling.getStore()?.current;
        if (handling !== undefined && message?.startsWith(SWALLOWED))
          this.failed(handling.socket, handling.node, errorIn(fields));
      },
    };
  }

  /** Handling a stanza failed. */
  failed(socket: Socket, node: BinaryNode, error: unknown): void {
    // On a closed connection everything fails; and a full disk says nothing of the stanza.
    if (!socket.ws.isOpen || isBehind(error, isPassing)) return;
    const { tag, attrs } = node;
    const name = JSON.stringify([
      tag,
      attrs.id ?? encodeValue(node),
      attrs.from,
      attrs.participant,
      attrs.type,
    ]);
    const failures = (this.#failures.get(name) ?? 0) + 1;
    this.#failures.set(name, failures);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_COUNTED && oldest !== undefined) this.#failures.delete(oldest);
    if (failures < MAX_FAILURES) return;
    if (attrs.id !== undefined) {
      socket.sendNode(buildAckStanza(node, undefined, socket.authState.creds.me?.id)).catch((failure) => {
        this.#log.debug({ reason: textOf(failure) }, 'A stanza that was given up could not be acknowledged');
      });
    }
    this.#keep(name, { error: stackOf(error), stanza: node }, (file) => {
      this.#log.error(
        { file, tag, id: attrs.id, reason: textOf(error) },
        'A stanza could not be handled twice and was skipped; please report it with this file',
      );
    });
  }

  /** A frame is no stanza, and was skipped. */
  skipped(error: unknown): void {
    this.#keep(textOf(error), { error: stackOf(error) }, (file) => {
      this.#log.error(
        { file, reason: textOf(error) },
        'A frame from WhatsApp could not be decoded and was skipped; please report it with this file',
      );
    });
  }

  #keep(name: string, what: object, tell: (file: string | undefined) => void): void {
    this.#writing = this.#writing
      .then(() => this.#write(name, encodeValue({ ...what, at: new Date(this.#clock.now()).toISOString() })))
      .then(tell, (error: unknown) => {
        this.#log.warn({ err: error }, 'A frame or stanza could not be kept for a bug report');
        tell(undefined);
      });
  }

  /** @returns the file; the same one for the same `name` as long as it is there */
  async #write(name: string, content: string): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
    const files = (await readdir(this.#directory)).filter((file) => file.endsWith('.json')).sort();
    const known = files.find((file) => file.endsWith(`-${digest}.json`));
    if (known !== undefined) return join(this.#directory, known);
    const time = new Date(this.#clock.now()).toISOString().replaceAll(/[-:.]/g, '');
    // What bears a later time was written by a clock that was ahead: it is older than all that came since.
    const oldestFirst = [...files.filter((name) => name > time), ...files.filter((name) => name <= time)];
    for (const old of oldestFirst.slice(0, -(MAX_FILES - 1))) await rm(join(this.#directory, old));
    const file = join(this.#directory, `${time}-${digest}.json`);
    await replaceFile(file, content, 0o600);
    return file;
  }
}

function errorIn(fields: unknown): unknown {
  return typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : fields;
}

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || textOf(error);
}
