import type { Channel } from '../channel/channel.ts';
import { type Clock, HOUR, Pauses } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';

const ROUND_MS = 24 * HOUR;

export interface GroupRoundsOptions {
  readonly store: Store;
  readonly channel: Pick<Channel, 'state' | 'syncGroups'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'groupListRetryMs' | 'workFailurePauseMs'>;
}

/** Asks for all groups: when the line opens for the first time, once a day after that, and when somebody wants it. */
export class GroupRounds {
  readonly #options: GroupRoundsOptions;
  readonly #waker: Waker;
  #underWay: Promise<number> | undefined;
  readonly #pauses: Pauses<'round'>;

  constructor(options: GroupRoundsOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.clock);
    this.#waker = new Waker((now) => this.#look(now), options);
  }

  /** To be called whenever the line opens. */
  lineOpened(): void {
    this.#waker.wake();
  }

  stop(): void {
    this.#waker.stop();
  }

  /** @returns how many groups there are. Rejects while the line is away, and when the platform does not answer. */
  now(): Promise<number> {
    this.#underWay ??= this.#round().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #round(): Promise<number> {
    const { channel, store, clock } = this.#options;
    const count = await channel.syncGroups();
    store.state.set('groups:synced', new Date(clock.now()).toISOString());
    this.#pauses.begin('round', ROUND_MS);
    return count;
  }

  #look(now: number): number | undefined {
    if (this.#options.channel.state.status !== 'open') return undefined;
    const left = this.#pauses.left('round') ?? 0;
    if (left === 0) {
      this.#pauses.begin('round', this.#options.timings.groupListRetryMs);
      this.now()
        .catch((error: unknown) =>
          this.#options.log.warn({ err: error }, 'The groups could not be asked for, they will be later'),
        )
        .finally(() => this.#waker.wake());
      return undefined;
    }
    return now + left;
  }
}
