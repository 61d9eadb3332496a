import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished, vi } from 'vitest';
import type { Simulator } from '../../simulator/simulator.ts';
import type { SendOutcome } from '../../src/channel/channel.ts';
import type { Order, Told } from './crashing-line.ts';
import { testProgram } from './program.ts';

/** A child process with a line (crashing-line.ts), and what it has told. It ends with the test at the latest. */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];
  readonly #waiting = new Set<() => void>();
  readonly exit: Promise<unknown>;

  /** @param cut after how many points, counted from the start, it ends; 0: it does not */
  constructor(root: string, server: Simulator, cut = 0) {
    const program = testProgram('crashing-connection');
    this.#child = fork(program, [root, server.url, server.rootKey, `${cut}`], { execArgv: [] });
    this.#child.on('message', (told: Told) => {
      this.#told.push(told);
      for (const look of [...this.#waiting]) look();
    });
    this.exit = once(this.#child, 'exit');
    onTestFinished(() => this.kill());
  }

  /** Starts one, lets the owner's phone scan its QR code, and kills it. */
  static async pair(root: string, server: Simulator): Promise<void> {
    const line = new LineProcess(root, server);
    await server.scanQr((await line.#qr()) ?? '');
    await line.open();
    await line.kill();
  }

  open(): Promise<true | undefined> {
    return this.#until((told) => ('line' in told && told.line.status === 'open') || undefined);
  }

  /** Resolves with whether the process has ended before the database held this message. */
  async diedBefore(committed: () => boolean): Promise<boolean> {
    await vi.waitUntil(
      () => this.#child.exitCode !== null || this.#child.signalCode !== null || committed(),
      {
        timeout: 120_000,
        interval: 20,
      },
    );
    return this.#child.signalCode !== null;
  }

  /** Resolves when it counts: what is said then cannot come before the order does. */
  async endAfter(points: number): Promise<void> {
    this.#order({ points });
    await this.#until((told) => ('counts' in told && told.counts) || undefined);
  }

  /**
   * @param points after how many points, counted from now, the process ends; 0: it does not
   * @returns undefined: the process has ended before the send
   */
  send(message: NonNullable<Order['send']>, points = 0): Promise<SendOutcome | undefined> {
    this.#order({ points, send: message });
    return this.#until((told) => ('sent' in told && told.sent === message.id ? told.outcome : undefined));
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }

  #order(order: Order): void {
    this.#child.send(order);
  }

  #qr(): Promise<string | undefined> {
    return this.#until((told) =>
      'line' in told && told.line.status === 'unpaired' ? told.line.qr : undefined,
    );
  }

  /** Resolves when the child has told this, or has ended. */
  #until<T>(find: (told: Told) => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.#told.map(find).find((value) => value !== undefined);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
      void this.exit.then(() => resolve(undefined));
    });
  }
}
