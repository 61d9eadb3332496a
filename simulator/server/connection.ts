import { type BinaryNode, decodeBinaryNode, encodeBinaryNode } from '@whiskeysockets/baileys';
import type { WebSocket } from 'ws';
import { encodeFrame, FrameReader } from '../wire/frames.ts';
import type { Introduction, NoiseServer } from '../wire/noise.ts';

/** Time for a client to close by itself after the server's last word. */
const CLOSE_GRACE_MS = 1_000;

/** The connection ended before the answer came. */
export class ConnectionLost extends Error {
  constructor(id: number) {
    super(`Connection ${id} ended before the client answered: let the client connect again and repeat.`);
    this.name = 'ConnectionLost';
  }
}

/** What the server does with one client's connection. */
export interface ConnectionHandler {
  introduced(connection: Connection, introduction: Introduction): void;
  received(connection: Connection, node: BinaryNode): Promise<void>;
  sent(connection: Connection, node: BinaryNode): void;
  failed(connection: Connection, error: unknown): void;
  closed(connection: Connection): void;
}

/**
 * One WebSocket with its noise transport. States: hello (the client's first message is awaited), finish (its second),
 * transport (stanzas both ways), closed. Stanzas are handled one after the other in the order of their arrival.
 */
export class Connection {
  readonly id: number;
  /** Resolves when the connection is gone and the handler was told. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #noise: NoiseServer;
  readonly #handler: ConnectionHandler;
  readonly #frames = new FrameReader();
  readonly #awaited = new Map<string, { resolve(node: BinaryNode): void; reject(error: Error): void }>();
  #state: 'hello' | 'finish' | 'transport' | 'closed' = 'hello';
  #cut = false;
  #deaf = false;
  #work: Promise<void> = Promise.resolve();
  #nextQuery = 1;

  constructor(id: number, socket: WebSocket, noise: NoiseServer, handler: ConnectionHandler) {
    this.id = id;
    this.#socket = socket;
    this.#noise = noise;
    this.#handler = handler;
    socket.on('message', (data) => this.#read(data as Buffer));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A client that is killed resets its connection: that is its way to leave, and `close` follows.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') handler.failed(this, error);
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#ended();
        resolve();
      });
    });
  }

  get open(): boolean {
    return this.#state !== 'closed' && !this.#cut && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Writes a stanza; does nothing when the connection is gone. */
  send(node: BinaryNode): void {
    if (!this.#speaks) return;
    this.#handler.sent(this, node);
    this.sendFrame(encodeBinaryNode(node));
  }

  /** Writes a frame with these bytes; does nothing when the connection is gone. */
  sendFrame(bytes: Buffer): void {
    if (this.#speaks) this.#socket.send(encodeFrame(this.#noise.encrypt(bytes)));
  }

  get #speaks(): boolean {
    return this.open && !this.#deaf && this.#state === 'transport';
  }

  /** Sends an `iq` and resolves with the client's answer. Rejects with ConnectionLost. */
  query(node: BinaryNode): Promise<BinaryNode> {
    const id = `${this.id}-${this.#nextQuery++}`;
    return new Promise((resolve, reject) => {
      if (!this.open) {
        reject(new ConnectionLost(this.id));
        return;
      }
      this.#awaited.set(id, { resolve, reject });
      this.send({ ...node, attrs: { ...node.attrs, id } });
    });
  }

  /** Says a last word, then closes in order; a client that does not close by itself is cut off. */
  async closeAfter(node: BinaryNode): Promise<void> {
    this.send(node);
    await this.#finish();
  }

  /** Cuts the connection without a word; what came but was not handled yet is lost with it. */
  terminate(): void {
    this.#cut = true;
    this.#socket.terminate();
  }

  /** From now on nothing that comes is heard and nothing is said; `wire` does not even read it. */
  deafen(wire: boolean): void {
    this.#deaf = true;
    if (wire) this.#socket.pause();
  }

  async #finish(): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.close();
    });
  }

  #read(data: Buffer): void {
    if (this.#deaf) return;
    try {
      for (const frame of this.#frames.push(data)) this.#take(frame);
    } catch (error) {
      this.#handler.failed(this, error);
      this.terminate();
    }
  }

  #take(frame: Buffer): void {
    if (this.#state === 'hello') {
      this.#socket.send(encodeFrame(this.#noise.hello(frame)));
      this.#state = 'finish';
    } else if (this.#state === 'finish') {
      const introduction = this.#noise.finish(frame);
      this.#state = 'transport';
      this.#handler.introduced(this, introduction);
    } else if (this.#state === 'transport') {
      const plain = this.#noise.decrypt(frame);
      this.#work = this.#work
        .then(() => this.#handle(plain))
        .catch((error) => this.#handler.failed(this, error));
    }
  }

  async #handle(plain: Buffer): Promise<void> {
    const node = await decodeBinaryNode(plain);
    if (this.#cut || this.#deaf) return;
    const id = node.attrs.id ?? '';
    const awaited = node.tag === 'iq' && node.attrs.type !== 'get' && this.#awaited.get(id);
    await this.#handler.received(this, node);
    if (awaited) {
      this.#awaited.delete(id);
      awaited.resolve(node);
    }
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const { reject } of this.#awaited.values()) reject(new ConnectionLost(this.id));
    this.#awaited.clear();
    this.#handler.closed(this);
  }
}
