import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../../clock.ts';
import { DEFAULT_TIMINGS } from '../../../timings.ts';
import type { Outgoing } from '../../channel.ts';
import { WhatsAppChannel, type WhatsAppOptions } from '../whatsapp-channel.ts';
import { Recorder } from './recorder.ts';

/** What of the WhatsApp server for tests the rig needs. */
export interface Server {
  readonly url: string;
  readonly rootKey: string;
  scanQr(qr: string): Promise<void>;
  close(): Promise<void>;
}

/** How soon the line of a rig comes back, unless it is made with other timings. */
export const BACKOFF = { reconnectFirstMs: 20, reconnectMaxMs: 100 } as const;

type Change = Partial<Omit<WhatsAppOptions, 'timings'>> & {
  readonly timings?: Partial<WhatsAppOptions['timings']>;
};

/** A server, a directory for credentials, and channels on it one after the other. */
export class Rig<S extends Server> {
  readonly server: S;
  readonly directory = mkdtempSync(join(tmpdir(), 'nanoclaw-whatsapp-'));
  readonly databaseFile = join(this.directory, 'whatsapp.db');
  readonly versionFile = join(this.directory, 'whatsapp-version.json');
  readonly sent = new Map<string, Outgoing>();
  listener = new Recorder();
  channel: WhatsAppChannel;
  readonly #logLines: string[] = [];

  constructor(server: S, change: Change = {}) {
    this.server = server;
    this.channel = this.make(change);
  }

  /** Every line that the channels logged at debug or above. */
  get log(): string {
    return this.#logLines.join('');
  }

  /** A new channel and a new recorder on the same credentials. */
  make(change: Change = {}): WhatsAppChannel {
    this.listener = new Recorder();
    this.channel = new WhatsAppChannel({
      databaseFile: this.databaseFile,
      versionFile: this.versionFile,
      url: this.server.url,
      rootKey: this.server.rootKey,
      listener: this.listener,
      log: pino({ level: 'info' }, { write: (line) => void this.#logLines.push(line) }),
      clock: systemClock,
      random: () => 0,
      recallSent: (wireId) => this.sent.get(wireId),
      ...change,
      timings: { ...DEFAULT_TIMINGS, ...BACKOFF, ...change.timings },
    });
    return this.channel;
  }

  /** From nothing to the open line. */
  async pair(): Promise<void> {
    await this.channel.start();
    await this.server.scanQr(await this.listener.qr());
    await this.listener.line('open');
  }

  /** As after a restart of the process. */
  async restart(change: Change = {}): Promise<void> {
    await this.channel.stop();
    this.make(change);
    await this.channel.start();
  }

  async close(): Promise<void> {
    await this.channel.stop();
    await this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
