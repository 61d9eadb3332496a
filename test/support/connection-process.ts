import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished, vi } from 'vitest';
import type { Simulator } from '../../simulator/simulator.ts';
import type { SendOutcome } from '../../src/channel/channel.ts';
import type { Order, Report } from './crashing-connection.ts';
import { testProgram } from './program.ts';

/** A child process with a connection (crashing-connection.ts). It ends with the test at the latest. */
export class ConnectionProcess {
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  readonly #waiting = new Set<() => void>();
  readonly exit: Promise<unknown>;

  /** @param cut at which kill point, counted from the start, it ends; 0: it does not */
  constructor(root: string, server: Simulator, cut = 0) {
    const program = testProgram('crashing-connection');
    this.#child = fork(program, [root, server.url, server.rootKey, `${cut}`], { execArgv: [] });
    this.#child.on('message', (report: Report) => {
      this.#reports.push(report);
      for (const look of [...this.#waiting]) look();
    });
    this.exit = once(this.#child, 'exit');
    onTestFinished(() => this.kill());
  }

  open(): Promise<true | undefined> {
    return this.#until(
      (report) => ('connection' in report && report.connection.status === 'open') || undefined,
    );
  }

  /** Resolves with whether the process has ended before everything was committed. */
  async diedBefore(isCommitted: () => boolean): Promise<boolean> {
    const hasEnded = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await vi.waitUntil(() => hasEnded() || isCommitted(), { interval: 100 });
    return this.#child.signalCode !== null;
  }

  /** Resolves when it counts: what is said then cannot come before the order does. */
  async endAfter(points: number): Promise<void> {
    this.#order({ points });
    await this.#until((report) => ('counts' in report && report.counts) || undefined);
  }

  /**
   * @param cut where the process ends; absent: it does not
   * @returns undefined: the process has ended before the send
   */
  send(
    message: NonNullable<Order['send']>,
    cut: Omit<Order, 'send'> = { points: 0 },
  ): Promise<SendOutcome | undefined> {
    this.#order({ ...cut, send: message });
    return this.#until((report) =>
      'sent' in report && report.sent === message.id ? report.outcome : undefined,
    );
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }

  #order(order: Order): void {
    this.#child.send(order);
  }

  /** Resolves when the child has reported this, or has ended. */
  #until<T>(find: (report: Report) => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.#reports.map(find).find((value) => value !== undefined);
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
