import { setTimeout as wait } from 'node:timers/promises';
import { Checker, type SettledRound, type Verdict, type Violation } from './checker.ts';
import { judgeMinutely, type MinutelyVerdict, minutelyRuns } from './minutely.ts';
import { inWords, isNothing, type OpenWork, openWork } from './open-work.ts';
import { TooLate, until } from './until.ts';
import { WireReader } from './wire-reader.ts';
import { tokensIn, type Workload } from './workload.ts';
import type { World } from './world.ts';

/** How long everything may take to come to its end when nobody kills the host any more. */
export const SETTLE_TIMEOUT_MS = 120_000;
/** What was acked may be written to the wire log a little later. */
const WIRE_LOG_LAG_MS = 200;
const MOST_LAGS = 50;

/** What is under way in a world, when it has come to its end, and how that is judged. */
export class Settling {
  readonly #world: World;
  readonly #checker: Checker;
  readonly #folders: readonly string[];

  constructor(world: World) {
    this.#world = world;
    this.#checker = new Checker(world.root, new WireReader(world.wireLog));
    this.#folders = world.chats.map(({ folder }) => folder);
  }

  /** Waits for the end of a round and judges it. What is left open when it takes too long is a violation. */
  async judge(round: number, workload: Workload, kills: number): Promise<Judged> {
    const left = await this.#settle(workload);
    const settled = { round, workload, kills, folders: this.#folders };
    const { violations, figures } = await this.check(settled);
    const open = left === undefined ? [] : [{ breach: 'work was left open', round, detail: left } as const];
    return { settled, violations: [...violations, ...open], figures };
  }

  /** Judges a round that has settled. */
  async check(settled: SettledRound): Promise<Verdict> {
    for (let lags = 0; ; lags += 1) {
      const verdict = this.#checker.check(settled);
      const isBehind = verdict.violations.some(
        ({ breach }: Violation) => breach === 'a row counts as sent and was not on the wire',
      );
      if (!isBehind || lags === MOST_LAGS) return verdict;
      await wait(WIRE_LOG_LAG_MS);
    }
  }

  /**
   * Judges the task that is due each minute, of a host that runs and has nothing under way.
   * @returns undefined where there is no such task
   * @throws TooLate when something stays under way
   */
  async judgeMinutely(): Promise<MinutelyVerdict | undefined> {
    const { root } = this.#world;
    let runs: ReturnType<typeof minutelyRuns>;
    await until('nothing is under way', SETTLE_TIMEOUT_MS, () =>
      root.read((database) => {
        runs = minutelyRuns(database);
        return isNothing(openWork(database, root, this.#folders));
      }),
    );
    return runs && judgeMinutely(runs);
  }

  /** Whether every message of a workload is stored and nothing is under way. */
  isSettled({ messages }: Workload): boolean {
    const { root } = this.#world;
    return root.read((database) => {
      if (!isNothing(openWork(database, root, this.#folders))) return false;
      const round = messages[0]?.token.split('x')[0] ?? '';
      const stored = database
        .prepare<[string], string>('SELECT content FROM messages WHERE content GLOB ?')
        .pluck()
        .all(`*${round}x*`);
      return new Set(stored.flatMap((text) => tokensIn(String(text))[0] ?? [])).size >= messages.length;
    });
  }

  /** What a dead host has left under way. */
  async found(): Promise<OpenWork> {
    const { root } = this.#world;
    return root.readCopy((database) => openWork(database, root, this.#folders));
  }

  /** @returns what is left open when it takes too long */
  async #settle(workload: Workload): Promise<string | undefined> {
    try {
      await until('everything has settled', SETTLE_TIMEOUT_MS, () => this.isSettled(workload));
      return undefined;
    } catch (error) {
      if (!(error instanceof TooLate)) throw error;
      const { root } = this.#world;
      return inWords(root.read((database) => openWork(database, root, this.#folders))) || error.message;
    }
  }
}

/** A round, and what was found about it. */
export interface Judged extends Verdict {
  readonly settled: SettledRound;
}
