import { setTimeout as wait } from 'node:timers/promises';
import type { Figures, Violation } from '../checker.ts';
import { feed } from '../feed.ts';
import { HostEnded } from '../host.ts';
import { Random } from '../random.ts';
import { SETTLE_TIMEOUT_MS, Settling } from '../settling.ts';
import { until } from '../until.ts';
import { type Load, planWorkload, type Workload } from '../workload.ts';
import type { World } from '../world.ts';
import type { CallWatch, Strike } from './call-watch.ts';

/**
 * - `killed`: by the strike
 * - `gave up`: a start that found no space, or a disk that refuses, ended with an error
 * - `went on`: whatever it met, it came to its end
 */
export type End = 'killed' | 'gave up' | 'went on';

export interface CallResult {
  readonly round: number;
  readonly nth: number;
  /** What was struck; undefined: the scenario had fewer calls. */
  readonly hit: string | undefined;
  /** How many calls the scenario had, up to its end or to the strike. */
  readonly calls: number;
  readonly end: End;
  readonly violations: readonly Violation[];
  readonly figures: Figures;
  /** Milliseconds. */
  readonly durationMs: number;
}

/** Little, so that the scenario has few calls, and something of each kind. */
const LOAD: Load = {
  messages: 1,
  filesByAgents: 1,
  filesByHand: 0,
  attachments: 0,
  tasks: 1,
  broken: 1,
  foreign: 0,
  withinMs: 200,
};

/** The same work each time. */
const SEED = 1;
/** No scenario has so many calls. */
export const BEYOND = 100_000;
/** How long a disk stays full, read-only or broken. */
const TROUBLE_MS = 1_500;
/** A start that met such a disk must not have its owner throw sound files away. */
const BAD_CURE = /\baway\b|Put a backup/;
const DISK = /ENOSPC|no space|disk is full|database or disk|disk I\/O error|EROFS|read-only|EIO/i;

/**
 * One scenario, again and again, with a strike at another call each time: while the host is away a message and a file come; it starts, gets the
 * rest of the work, does it, and is asked to stop. Whatever came of it, the next host must bring all to a good end.
 */
export class CallRounds {
  readonly #world: World;
  readonly #watch: CallWatch;
  readonly #settling: Settling;

  constructor(world: World) {
    if (world.calls === undefined) throw new Error('the world does not watch calls');
    this.#world = world;
    this.#watch = world.calls;
    this.#settling = new Settling(world);
  }

  /**
   * Begins and ends with a host that is ready and idle.
   * @param round a number of its own in this world
   * @param nth which call is struck, 1 the first
   * @param since calls count from the start of the host, or from when it is asked to stop
   * @throws HostEnded when the host ends for another reason than the strike
   */
  async run(
    round: number,
    strike: Strike,
    nth: number,
    since: 'start' | 'stop' = 'start',
  ): Promise<CallResult> {
    const begin = performance.now();
    const { chats, host } = this.#world;
    // The owner alone speaks: who else calls after every answer is taken for an assistant in a loop.
    const size = { chats: chats.length, senders: 1 };
    const workload = planWorkload(round, LOAD, size, new Random(SEED));
    await host.kill();
    const { before, after } = splitWorkload(workload);
    await feed(this.#world, before);
    this.#watch.order(strike, since === 'start' ? nth : BEYOND);
    const stop = (): void => {
      if (since === 'stop') this.#watch.order(strike, nth);
    };
    const end = await this.#play(workload, after, stop);
    this.#watch.stop();
    const { calls, hit } = this.#watch.count();
    await this.#world.begin();
    const { violations, figures } = await this.#settling.judge(round, workload, 1);
    return { round, nth, hit, calls, end, violations, figures, durationMs: performance.now() - begin };
  }

  /** Resolves when the host has ended. @param beforeStop called right before it is asked to */
  async #play(workload: Workload, after: Workload, beforeStop: () => void): Promise<End> {
    const giveUpMending = this.#mendDiskLater();
    try {
      const start = await this.#start();
      const feeding = feed(this.#world, after);
      if (start === 'ready') await this.#work(workload, feeding);
      await feeding;
      if (start === 'gave up') return 'gave up';
      beforeStop();
      return await this.#stop();
    } finally {
      giveUpMending();
    }
  }

  async #start(): Promise<'ready' | 'killed' | 'gave up'> {
    try {
      return await this.#world.begin();
    } catch (error) {
      const words = error instanceof HostEnded ? error.message : '';
      const isForDisk = DISK.test(words) && !BAD_CURE.test(words);
      if (isForDisk && this.#watch.count().hit !== undefined) return 'gave up';
      throw error;
    }
  }

  /** Until all is done, or the host has been killed. @throws HostEnded when it ended in another way */
  async #work(workload: Workload, feeding: Promise<void>): Promise<void> {
    const { host } = this.#world;
    let isFed = false;
    void feeding.then(
      () => {
        isFed = true;
      },
      // The caller awaits it, too.
      () => undefined,
    );
    const isDone = (): boolean => host.hasEnded || (isFed && this.#settling.isSettled(workload));
    await until('the host is struck or has done its work', SETTLE_TIMEOUT_MS, isDone);
    // One at work ends by nothing but a kill, whatever its disk does.
    if (host.hasEnded) await host.killed();
  }

  async #stop(): Promise<End> {
    const { host } = this.#world;
    await host.terminate();
    return host.wasKilled ? 'killed' : 'went on';
  }

  /** Ends the trouble of a disk a while after it began. @returns what ends the waiting for it */
  #mendDiskLater(): () => void {
    const over = new AbortController();
    const watch = async (): Promise<void> => {
      const { signal } = over;
      while (this.#watch.count().hit === undefined) await wait(20, undefined, { signal });
      await wait(TROUBLE_MS, undefined, { signal });
      this.#watch.stop();
    };
    watch().catch((error: unknown) => {
      if (!over.signal.aborted) throw error;
    });
    return () => over.abort();
  }
}

/** What comes while no host runs, and what comes when it is there. */
function splitWorkload({ messages, files }: Workload): {
  readonly before: Workload;
  readonly after: Workload;
} {
  const isEarly = (one: { readonly token: string }): boolean => early.includes(one.token);
  const early = [messages[0]?.token, files.find(({ by }) => by === 'hand')?.token];
  return {
    before: { messages: messages.filter(isEarly), files: files.filter(isEarly) },
    after: {
      messages: messages.filter((one) => !isEarly(one)),
      files: files.filter((one) => !isEarly(one)),
    },
  };
}
