import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  type BinaryNode,
  Curve,
  encodeBinaryNode,
  makeNoiseHandler,
  NOISE_WA_HEADER,
  proto,
} from '@whiskeysockets/baileys';
import { WebSocket, WebSocketServer } from 'ws';
import { CertificateAuthority } from '../../simulator/wire/certificate.ts';
import { encodeFrame, FrameReader } from '../../simulator/wire/frames.ts';
import { NoiseServer } from '../../simulator/wire/noise.ts';
import { silentLog } from '../support/silent-log.ts';

/**
 * Stands between the host and a server that proves itself by WhatsApp's own certificate without having its key, which the
 * host rightly refuses: every stanza is passed on as it is, under a certificate of the relay's own.
 */
export class Relay {
  readonly #ca = new CertificateAuthority();
  readonly #server: WebSocketServer;
  readonly #target: string;
  readonly rootKey = this.#ca.rootKey;
  /** How often the host has connected. */
  connections = 0;

  private constructor(server: WebSocketServer, target: string) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (socket) => this.#connect(socket));
  }

  static async start(target: string): Promise<Relay> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new Relay(server, target);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws/chat`;
  }

  /** Ends every connection without a word. */
  cut(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #connect(near: WebSocket): void {
    this.connections++;
    const far = new FarSide(this.#target, (node) =>
      near.send(encodeFrame(noise.encrypt(encodeBinaryNode(node)))),
    );
    const noise = new NoiseServer(this.#ca.serverKey, this.#ca.chain());
    const frames = new FrameReader();
    let step: 'hello' | 'finish' | 'transport' = 'hello';
    near.on('message', (data: Buffer) => {
      for (const frame of frames.push(data)) {
        if (step === 'hello') {
          near.send(encodeFrame(noise.hello(frame)));
          step = 'finish';
        } else if (step === 'finish') {
          far.introduce(proto.ClientPayload.encode(noise.finish(frame).payload).finish());
          step = 'transport';
        } else far.send(noise.decrypt(frame));
      }
    });
    near.on('close', () => far.close());
    far.onClose = () => near.close();
  }
}

/** The relay as a client of the foreign server. */
class FarSide {
  readonly #socket: WebSocket;
  readonly #ephemeral = Curve.generateKeyPair();
  readonly #noise = makeNoiseHandler({
    keyPair: this.#ephemeral,
    NOISE_HEADER: NOISE_WA_HEADER,
    logger: silentLog,
  });
  readonly #open: Promise<unknown>;
  readonly #pass: (node: BinaryNode) => void;
  #ready = Promise.resolve();
  onClose: () => void = () => undefined;

  constructor(url: string, pass: (node: BinaryNode) => void) {
    this.#socket = new WebSocket(url, { origin: 'https://web.whatsapp.com' });
    this.#open = once(this.#socket, 'open');
    this.#pass = pass;
    this.#socket.on('close', () => this.onClose());
    this.#socket.on('error', () => this.onClose());
  }

  introduce(payload: Uint8Array): void {
    this.#ready = this.#handshake(payload);
    this.#ready.catch(() => this.onClose());
  }

  send(plain: Uint8Array): void {
    this.#ready = this.#ready.then(() => this.#socket.send(this.#noise.encodeFrame(plain)));
    this.#ready.catch(() => this.onClose());
  }

  close(): void {
    this.#socket.terminate();
  }

  async #handshake(payload: Uint8Array): Promise<void> {
    await this.#open;
    const noise = this.#noise;
    const answer = once(this.#socket, 'message') as Promise<[Buffer]>;
    const hello = proto.HandshakeMessage.encode({
      clientHello: { ephemeral: this.#ephemeral.public },
    }).finish();
    this.#socket.send(noise.encodeFrame(hello));
    const [data] = await answer;
    let message: proto.HandshakeMessage | undefined;
    await noise.decodeFrame(data, (frame) => {
      message = proto.HandshakeMessage.decode(frame as Uint8Array);
    });
    if (message === undefined) throw new Error('the foreign server said no hello');
    const noiseKey = Curve.generateKeyPair();
    const sealedKey = noise.processHandshake(message, noiseKey);
    const finish = { clientFinish: { static: sealedKey, payload: noise.encrypt(payload) } };
    this.#socket.send(noise.encodeFrame(proto.HandshakeMessage.encode(finish).finish()));
    this.#socket.on('message', (bytes: Buffer) => {
      void noise.decodeFrame(bytes, (frame) => this.#pass(frame as BinaryNode));
    });
    await noise.finishInit();
  }
}
