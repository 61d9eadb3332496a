import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { inject, onTestFinished, vi } from 'vitest';
import type { z } from 'zod';
import { HostProcess } from '../../simulator/demo/host-process.ts';
import { type ChatLine, Simulator } from '../../simulator/simulator.ts';
import type { Timings } from '../../src/timings.ts';
import { linkRoot } from './linked-root.ts';
import { testProgram } from './program.ts';
import { sharedDirectory } from './sandbox.ts';
import type { SmallDisk } from './small-disk.ts';

/** Lines of the host's log that a failed test shows. */
const LAST_WORDS = 25;
const LAST_WORDS_LENGTH = 300;

/** What a whole-host test waits for, unless it is about that very wait. */
const SHORT: z.input<typeof Timings> = {
  backlogPauseMs: 500,
  turnRetryDelaysMs: [200, 400],
  reconnectFirstMs: 100,
  reconnectMaxMs: 1_000,
  workFailurePauseMs: 1_000,
  diskLookMs: 500,
  attachmentRetryDelaysMs: [500, 1_000],
  attachmentDeferMs: 1_000,
};

export interface HouseOptions {
  /** Waiting times that this test needs otherwise. */
  readonly timings?: z.input<typeof Timings>;
  /** The host's own waiting times, for the test of one of them; absent: short ones. */
  readonly hasRealTimes?: boolean;
  /** Where its root is to be, unlinked; absent: in a temporary directory. */
  readonly disk?: SmallDisk;
  /** The account is linked already; else the host shows a QR code, which is scanned, and greets its owner. */
  readonly isLinked?: boolean;
}

/** A WhatsApp server on loopback and a real host on a root of its own, as a child process. */
export class House {
  readonly simulator: Simulator;
  root: string;
  /** The last one is at work; an earlier one has ended, or holds the root. */
  readonly #hosts: HostProcess[] = [];
  readonly #mediaCertificate: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #disk: SmallDisk | undefined;
  readonly #timings: z.input<typeof Timings>;
  /** How often a QR was shown and scanned. */
  pairings = 0;

  private constructor(
    simulator: Simulator,
    root: string,
    mediaCertificate: string,
    env: Readonly<Record<string, string>>,
    disk: SmallDisk | undefined,
    timings: z.input<typeof Timings>,
  ) {
    this.simulator = simulator;
    this.root = root;
    this.#mediaCertificate = mediaCertificate;
    this.#env = env;
    this.#disk = disk;
    this.#timings = timings;
  }

  get host(): HostProcess {
    const host = this.#hosts.at(-1);
    if (host === undefined) throw new Error('no host was launched');
    return host;
  }

  /** Resolves when the host is linked and ready. */
  static async start(
    env: Readonly<Record<string, string>> = {},
    { disk, isLinked = disk === undefined, timings, hasRealTimes = false }: HouseOptions = {},
  ): Promise<House> {
    const root = disk?.directory ?? sharedDirectory();
    const simulator = await Simulator.start({ owner: { name: 'Ann' }, wireLog: join(root, 'wire.jsonl') });
    onTestFinished(() => simulator.close());
    const house = new House(simulator, root, await simulator.writeMediaCertificate(), env, disk, {
      ...(hasRealTimes ? {} : SHORT),
      ...timings,
    });
    onTestFinished(async () => {
      for (const host of house.#hosts) await host.stop();
    });
    // Before the root is gone.
    onTestFinished(({ task }) => {
      const [error] = task.result?.errors ?? [];
      if (error !== undefined) error.message += `\nThe host's log ends:\n${house.#lastWords().join('\n')}`;
    });
    if (isLinked) await linkRoot(simulator, root);
    house.launch();
    await house.host.ready();
    if (!isLinked) await house.answer(/I live in this chat now/);
    return house;
  }

  /** Stops the host in order, or as `kill -9` does, and starts another one on the same root. */
  async restart(how: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.end(how);
    await this.begin();
  }

  async end(how: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await (how === 'SIGKILL' ? this.host.kill() : this.host.stop());
  }

  async begin(preload: readonly string[] = []): Promise<void> {
    this.launch(preload);
    await this.host.ready();
  }

  /** Starts a host on another root, with what lies there. The one before must have ended. */
  async moveTo(root: string): Promise<void> {
    this.root = root;
    await this.begin();
  }

  /** As `begin`, and does not wait. */
  launch(preload: readonly string[] = []): void {
    this.#hosts.push(this.#newHost(preload));
  }

  /** Something typed on the owner's phone, in their own chat unless said otherwise. */
  async say(text: string, chat = this.simulator.selfChat): Promise<ChatLine> {
    return this.simulator.say({ chat, text });
  }

  /** The next thing that the assistant says, in a chat, after what it had said when this was called last. */
  async answer(pattern: RegExp, chat = this.simulator.selfChat): Promise<ChatLine> {
    const fits = (line: ChatLine): boolean => line.chat === chat && line.byDevice && pattern.test(line.text);
    return this.simulator
      .waitFor((line) => fits(line) && this.#isNew(line), { timeoutMs: inject('waitMs') })
      .then((line) => {
        this.#seen.add(line.id);
        return line;
      });
  }

  readonly #seen = new Set<string>();

  #isNew(line: ChatLine): boolean {
    return !this.#seen.has(line.id);
  }

  /** What the assistant has said in a chat, without the name before it. */
  said(chat = this.simulator.selfChat): readonly string[] {
    return this.simulator
      .chat(chat)
      .filter(({ byDevice }) => byDevice)
      .map(({ text }) => text.replace(/^Andy: /, ''));
  }

  /** Waits until no turn is under way. */
  async idle(): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.query("SELECT 1 FROM runs WHERE status = 'running'").length > 0)
          throw new Error('a turn is under way');
      },
      { timeout: inject('waitMs'), interval: 20 },
    );
  }

  /** Waits until a line of the host's log matches. */
  async logged(pattern: RegExp): Promise<string> {
    return vi.waitFor(
      () => {
        const line = this.log().findLast((text) => pattern.test(text));
        if (line === undefined) throw new Error(`nothing in the log matches ${pattern}`);
        return line;
      },
      { timeout: inject('waitMs'), interval: 20 },
    );
  }

  /** Where the tests find what lies below its root. */
  path(...names: readonly string[]): string {
    return this.#disk?.path(...names) ?? join(this.root, ...names);
  }

  log(): readonly string[] {
    return readFileSync(this.path('logs', 'nanoclaw.log'), 'utf8').trim().split('\n');
  }

  /** Asks the host's database, as an operator with `sqlite3` does. */
  query<Row>(sql: string): readonly Row[] {
    if (this.#disk !== undefined)
      return this.#disk.query(join('store', 'messages.db'), sql) as readonly Row[];
    const database = new BetterSqlite3(join(this.root, 'store', 'messages.db'), { readonly: true });
    try {
      return database.prepare<[], Row>(sql).all();
    } finally {
      database.close();
    }
  }

  /** Changes the host's database while it runs, as an operator with `sqlite3` does. */
  change(sql: string): void {
    const database = new BetterSqlite3(join(this.root, 'store', 'messages.db'));
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  }

  /** The end of the log without what Baileys says at debug, each line cut. */
  #lastWords(): readonly string[] {
    const own = this.log().filter((line) => !line.includes('DEBUG: [whatsapp]'));
    return own.slice(-LAST_WORDS).map((line) => line.slice(0, LAST_WORDS_LENGTH));
  }

  #newHost(preload: readonly string[] = []): HostProcess {
    const sandboxed = process.env.TEST_SANDBOX === 'required';
    const isOffline = (this.#env.AGENT_PROVIDER ?? 'offline') === 'offline';
    const plain = sandboxed ? [] : ['--allow-plain-process'];
    return new HostProcess({
      root: this.root,
      whatsappUrl: this.simulator.url,
      rootKey: this.simulator.rootKey,
      program: testProgram('cli'),
      mediaCertificate: this.#mediaCertificate,
      onQr: (qr) => {
        this.pairings++;
        void this.simulator.scanQr(qr).catch(() => undefined);
      },
      env: {
        TIMEZONE: 'Europe/Berlin',
        ...(sandboxed ? { CONTAINER_RUNTIME: 'bubblewrap' } : {}),
        ...this.#env,
      },
      preload,
      ...(this.#disk !== undefined && { wrapper: this.#disk.wrapper }),
      flags: isOffline ? ['--offline-faults', ...plain, '--timings', JSON.stringify(this.#timings)] : [],
    });
  }
}
