import { setTimeout as wait } from 'node:timers/promises';
import type { Figures, Violation } from './checker.ts';
import { feed } from './feed.ts';
import type { Host } from './host.ts';
import type { OpenWork } from './open-work.ts';
import type { RoundPlan } from './plan.ts';
import type { KillOrder } from './probe/orders.ts';
import { Random } from './random.ts';
import { type Judged, SETTLE_TIMEOUT_MS, Settling } from './settling.ts';
import { type Stratum, TIMED } from './strata.ts';
import { until } from './until.ts';
import { FULL_LOAD, planWorkload, type Workload } from './workload.ts';
import type { World } from './world.ts';

/** A kill, and what was under way in the database and the mailboxes right after it. */
export interface Kill {
  readonly stratum: string;
  /** False: the round never came to the step, and the host was killed when everything had settled. */
  readonly hit: boolean;
  readonly found: OpenWork;
}

export interface RoundResult {
  readonly round: number;
  readonly kills: readonly Kill[];
  readonly violations: readonly Violation[];
  readonly figures: Figures;
  /** Milliseconds. */
  readonly durationMs: number;
}

/** A kill at any time comes this soon after the round's begin, or after the start of a host, at the latest. */
const LATEST_KILL_MS = 3_000;
/** How long acks are kept back where a kill is to come before them. */
const ACK_DELAY_MS = 1_500;
/** How long the host may take from the effect of its last step to the end of it. */
const LAST_STEP_MS = 10_000;

/** An order that is never carried out. */
const NEVER: KillOrder = { point: 'database opened', moment: 'before', nth: Number.MAX_SAFE_INTEGER };

/** Rounds in one world, one after the other. */
export class Rounds {
  readonly #world: World;
  readonly #settling: Settling;
  readonly #past: Judged[] = [];
  /** What is planted in the host that runs. */
  #plant: RoundPlan['plant'];

  constructor(world: World) {
    this.#world = world;
    this.#settling = new Settling(world);
  }

  /**
   * Workload, kill, restart, settle, check. Begins and ends with a host that is ready.
   * @throws HostEnded when the host ends other than by a kill
   */
  async run(plan: RoundPlan): Promise<RoundResult> {
    const begin = performance.now();
    const random = new Random(plan.seed);
    const { chats, people } = this.#world;
    const size = { chats: chats.length, senders: people.length + 1 };
    const workload = planWorkload(plan.round, plan.load, size, random);
    await this.#plantInHost(plan);
    const release = await this.#aim(plan, random);
    const feeding = feed(this.#world, workload);
    const kills = [await this.#strike(plan.stratum, feeding, workload)];
    release();
    kills.push(...(await this.#restart(plan, random)));
    await feeding;
    const judged = await this.#settling.judge(plan.round, workload, kills.length);
    this.#past.push(judged);
    const { violations, figures } = judged;
    return { round: plan.round, kills, violations, figures, durationMs: performance.now() - begin };
  }

  /** Looks at all rounds again: what a later kill did to an earlier round shows now. */
  async checkAgain(): Promise<readonly Violation[]> {
    const late: Violation[] = [];
    for (const { settled, violations } of this.#past) {
      const now = await this.#settling.check(settled);
      const isNew = (one: Violation): boolean => !violations.some(({ detail }) => detail === one.detail);
      late.push(...now.violations.filter(isNew));
    }
    return late;
  }

  /** Judges the task that is due each minute, over all rounds. */
  async checkMinutely(): Promise<{ readonly slots: number; readonly violations: readonly Violation[] }> {
    const { slots = 0, breaches = [] } = (await this.#settling.judgeMinutely()) ?? {};
    const round = this.#past.at(-1)?.settled.round ?? 0;
    return { slots, violations: breaches.map((found) => ({ ...found, round })) };
  }

  async #plantInHost({ plant }: RoundPlan): Promise<void> {
    if (plant === this.#plant) return;
    this.#plant = plant;
    await this.#world.host.kill();
    await this.#world.begin({ plant });
  }

  /** Arranges the first kill. @returns what undoes it */
  async #aim({ stratum, load }: RoundPlan, random: Random): Promise<() => void> {
    const { host, simulator } = this.#world;
    const { kill } = stratum;
    const most = 'most' in kill ? kill.most[load === FULL_LOAD ? 'full' : 'small'] : 1;
    const nth = random.between(1, most);
    switch (kill.kind) {
      case 'point':
        await host.obey({ point: kill.point, moment: kill.moment, nth });
        return () => undefined;
      case 'wire': {
        simulator.faults.delayAcks(ACK_DELAY_MS);
        let seen = 0;
        const stop = simulator.on('line', ({ byDevice }) => {
          seen += byDevice ? 1 : 0;
          if (byDevice && seen === nth) void host.kill();
        });
        return () => {
          stop();
          simulator.faults.delayAcks(0, 0);
        };
      }
      default: {
        const timer = setTimeout(() => void host.kill(), random.between(0, latestKillMs(load)));
        return () => clearTimeout(timer);
      }
    }
  }

  /** Resolves when the host is dead; one that has done all its work is killed then. */
  async #strike({ name, kill }: Stratum, feeding: Promise<void>, workload: Workload): Promise<Kill> {
    const { host } = this.#world;
    const fed = feeding.then(() => true);
    // It is awaited again by the caller.
    fed.catch(() => undefined);
    const isDone = async (): Promise<boolean> =>
      host.hasEnded || ((await isNow(fed)) && this.#settling.isSettled(workload));
    await until('the host is killed or has nothing to do', SETTLE_TIMEOUT_MS, isDone);
    // What the last step changed can be seen before the host comes back from it, and to its kill.
    await Promise.race([host.killed(), wait(LAST_STEP_MS, undefined, { ref: false })]);
    const hit = host.hasEnded;
    await host.kill();
    await host.killed();
    return { stratum: kill.kind === 'start' ? TIMED.name : name, hit, found: await this.#settling.found() };
  }

  /** Starts the next host, and another one where it is killed once more. */
  async #restart(
    { stratum, load, strikesTwice, plant }: RoundPlan,
    random: Random,
  ): Promise<readonly Kill[]> {
    const order = stratum.kill.kind === 'start' ? stratum.kill.order : undefined;
    const starting = this.#world.begin({ plant, order });
    const { host } = this.#world;
    if (order !== undefined) {
      const start = await starting;
      if (start === 'ready') {
        // It may have come to the step right after it was ready.
        await host.obey(NEVER);
        if (!host.hasEnded) return [];
      }
      return this.#again(stratum, host, plant);
    }
    if (!strikesTwice) {
      await starting;
      return [];
    }
    await Promise.race([host.killed(), wait(random.between(0, latestKillMs(load)))]);
    await host.kill();
    await starting;
    return this.#again(TIMED, host, plant);
  }

  async #again({ name }: Stratum, host: Host, plant: RoundPlan['plant']): Promise<readonly Kill[]> {
    await host.killed();
    const kill = { stratum: name, hit: true, found: await this.#settling.found() };
    await this.#world.begin({ plant });
    return [kill];
  }
}

function latestKillMs(load: RoundPlan['load']): number {
  return load === FULL_LOAD ? LATEST_KILL_MS : LATEST_KILL_MS / 3;
}

/** Whether a promise has resolved by now. */
function isNow(promise: Promise<boolean>): Promise<boolean> {
  return Promise.race([promise, Promise.resolve(false)]);
}
