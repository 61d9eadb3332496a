import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { onTestFinished, vi } from 'vitest';
import { HostProcess } from '../../simulator/demo/host-process.ts';
import { type ChatLine, Simulator } from '../../simulator/simulator.ts';
import { sharedDirectory } from './sandbox.ts';
import type { SmallDisk } from './small-disk.ts';

/** Long enough for a machine that does other things too. */
const TIMEOUT_MS = 90_000;
/** Lines of the host's log that a failed test shows. */
const LAST_WORDS = 25;

/** A WhatsApp server on loopback and a real host on a root of its own, as a child process. */
export class House {
  readonly simulator: Simulator;
  root: string;
  host: HostProcess;
  readonly #mediaCertificate: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #disk: SmallDisk | undefined;
  /** How often a QR was shown and scanned. */
  pairings = 0;

  private constructor(
    simulator: Simulator,
    root: string,
    mediaCertificate: string,
    env: Readonly<Record<string, string>>,
    disk: SmallDisk | undefined,
  ) {
    this.simulator = simulator;
    this.root = root;
    this.#mediaCertificate = mediaCertificate;
    this.#env = env;
    this.#disk = disk;
    this.host = this.#newHost();
  }

  /**
   * Resolves when the host is paired and ready.
   * @param disk where its root is to be; absent: in a temporary directory
   */
  static async start(env: Readonly<Record<string, string>> = {}, disk?: SmallDisk): Promise<House> {
    const root = disk?.directory ?? sharedDirectory();
    const simulator = await Simulator.start({ owner: { name: 'Ann' }, wireLog: join(root, 'wire.jsonl') });
    onTestFinished(() => simulator.close());
    const house = new House(simulator, root, await simulator.writeMediaCertificate(), env, disk);
    onTestFinished(() => house.host.stop());
    // Before the root is gone.
    onTestFinished(({ task }) => {
      if (task.result?.state === 'fail')
        console.error(`The host said last:\n${house.log().slice(-LAST_WORDS).join('\n')}`);
    });
    await house.host.ready();
    await house.answer(/I live in this chat now/);
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
    this.host = this.#newHost(preload);
  }

  /** Something typed on the owner's phone, in their own chat unless said otherwise. */
  async say(text: string, chat = this.simulator.selfChat): Promise<ChatLine> {
    return this.simulator.say({ chat, text });
  }

  /** The next thing that the assistant says, in a chat, after what it had said when this was called last. */
  async answer(pattern: RegExp, chat = this.simulator.selfChat): Promise<ChatLine> {
    const fits = (line: ChatLine): boolean => line.chat === chat && line.byDevice && pattern.test(line.text);
    return this.simulator
      .waitFor((line) => fits(line) && this.#isNew(line), { timeoutMs: TIMEOUT_MS })
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
      { timeout: TIMEOUT_MS, interval: 50 },
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
      { timeout: TIMEOUT_MS, interval: 50 },
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

  #newHost(preload: readonly string[] = []): HostProcess {
    const sandboxed = process.env.TEST_SANDBOX === 'required';
    const isOffline = (this.#env.AGENT_PROVIDER ?? 'offline') === 'offline';
    const plain = sandboxed ? [] : ['--allow-plain-process'];
    return new HostProcess({
      root: this.root,
      whatsappUrl: this.simulator.url,
      rootKey: this.simulator.rootKey,
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
      flags: isOffline ? ['--offline-faults', ...plain] : [],
    });
  }
}
