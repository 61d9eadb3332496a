import type { AgentRunner, RunningTurn } from '../agent/agent.ts';
import { withCleanUp } from '../clean-up.ts';
import type { Clock, NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Run } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';

export interface DialogueOptions {
  readonly store: Store;
  readonly agent: Pick<AgentRunner, 'hasTaken'>;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Milliseconds that a sandbox stays after its answer, for follow-ups. */
  readonly idleTimeoutMs: number;
  readonly log: Log;
  readonly timings: Pick<Timings, 'closeGraceMs'>;
  /** Called when the agent has answered all that it was given: another turn may need its place. */
  readonly onIdle: () => void;
}

/**
 * Follow-ups between a chat and the sandbox at work in it.
 * A follow-up was taken when its file is gone, and it is answered when an answer that counts it is stored after that. Whatever was not taken when
 * the sandbox ends waits for the next turn: the cursor never moves over it.
 */
export class Dialogue {
  readonly #options: DialogueOptions;
  readonly #run: Run;
  #running: RunningTurn | undefined;
  #open: boolean;
  /** The last message that the agent was given. */
  #given: number;
  #idle: NodeJS.Timeout | undefined;
  #answered = false;
  /** The last message that an answer has answered. */
  #answeredUpTo: number | null = null;
  #idleSince: number | undefined;
  /** The sandbox was asked to finish, and is looked at until it has. */
  #closing: NodeJS.Timeout | undefined;
  /** Nothing is waited for after an answer. */
  #isLeaving = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: DialogueOptions, run: Run) {
    this.#options = options;
    this.#run = run;
    this.#open = run.kind === 'chat' && run.lastSeq !== null;
    this.#given = run.lastSeq ?? 0;
  }

  begin(running: RunningTurn): void {
    this.#running = running;
    if (this.#answered) void this.#maybeFinish();
  }

  /** The last message that the agent was given, whether or not it may have more. */
  get given(): number {
    return this.#given;
  }

  /** When the agent had answered all that it was given, in milliseconds since the epoch; undefined: it is at work. */
  get idleSince(): number | undefined {
    return this.#idleSince;
  }

  /** Whether the sandbox was asked to finish as soon as it has answered. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** The last message that the agent was given, and until when more may be given: undefined when no more may be. */
  get givenUpTo(): number | undefined {
    return this.#open && this.#running !== undefined ? this.#given : undefined;
  }

  /**
   * Gives the agent more messages. What cannot be given waits for the next turn.
   * @throws the system's errors
   */
  give(text: string, lastSeq: number): Promise<void> {
    const { store, clock, newId } = this.#options;
    const running = this.#running;
    if (running === undefined) return Promise.resolve();
    clearTimeout(this.#idle);
    this.#given = lastSeq;
    this.#idleSince = undefined;
    const file = `${clock.now()}-${newId()}.json`;
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        let isGiven = false;
        const note = (): void => store.followUps.add(this.#run.id, { file, lastSeq });
        await withCleanUp(
          async () => {
            isGiven = this.#open && (await running.followUp(file, text, note));
          },
          async () => {
            if (!isGiven) await this.#giveNoMore();
          },
        );
      });
    return this.#writing;
  }

  async #giveNoMore(): Promise<void> {
    this.#open = false;
    if (this.#answered) await this.#finish();
  }

  /** How far the messages go that the agent has taken: those of the prompt and of the follow-ups that are gone. */
  async takenUpTo(): Promise<number | null> {
    return takenUpTo(this.#options, this.#run);
  }

  /** How far the messages go that an answer answers. @param followUps as its frame says; undefined: all that were taken */
  async answeredUpTo(followUps: number | undefined): Promise<number | null> {
    return takenUpTo(this.#options, this.#run, followUps);
  }

  /**
   * An answer was stored. The sandbox is asked to end, at once or when nothing has come for a while.
   * @param upTo the last message that is answered now; null: a task's run
   */
  async answered(upTo: number | null): Promise<void> {
    this.#answered = true;
    this.#answeredUpTo = upTo;
    clearTimeout(this.#idle);
    const isIdle = upTo === null || upTo >= this.#given;
    if (isIdle) this.#idleSince = this.#options.clock.now();
    await this.#maybeFinish();
    if (isIdle) this.#options.onIdle();
  }

  /** Something else waits for the group, or the host ends: the sandbox ends when it has answered, and at once when it is idle. */
  async makeWay(): Promise<void> {
    this.#isLeaving = true;
    clearTimeout(this.#idle);
    if (this.#answered) await this.#finish();
  }

  end(): void {
    this.#open = false;
    clearTimeout(this.#idle);
    clearTimeout(this.#closing);
    this.#running = undefined;
  }

  async #maybeFinish(): Promise<void> {
    const { idleTimeoutMs } = this.#options;
    if (idleTimeoutMs > 0 && this.#open && !this.#isLeaving) {
      this.#idle = setTimeout(() => void this.#finish(), idleTimeoutMs);
    } else await this.#finish();
  }

  async #finish(): Promise<void> {
    if (!(await this.#running?.finish())) return;
    this.#open = false;
    this.#awaitEnd(this.#options.timings.closeGraceMs);
  }

  #awaitEnd(ms: number): void {
    clearTimeout(this.#closing);
    if (this.#running !== undefined) this.#closing = setTimeout(() => void this.#endWhenQuiet(), ms);
  }

  /** A sandbox that stays after its last answer would hold its place until the deadline. */
  async #endWhenQuiet(): Promise<void> {
    const { closeGraceMs } = this.#options.timings;
    const [quietMs, taken] = await Promise.all([this.#running?.quietMs() ?? 0, this.takenUpTo()]);
    if (quietMs < closeGraceMs) return this.#awaitEnd(closeGraceMs - quietMs);
    if (taken !== this.#answeredUpTo) return this.#awaitEnd(closeGraceMs);
    this.#options.log.warn(
      { run: this.#run.id, quietMs },
      'Sandbox stays after its last answer: it is ended',
    );
    await this.#running?.stop();
  }
}

/**
 * How far the messages go that a run's agent has taken.
 * @param most no more than this many follow-ups count
 * @returns null for a run of a task
 */
export async function takenUpTo(
  { store, agent }: Pick<DialogueOptions, 'store' | 'agent'>,
  run: Run,
  most = Number.POSITIVE_INFINITY,
): Promise<number | null> {
  let last = run.lastSeq;
  for (const [index, { file, lastSeq }] of store.followUps.ofRun(run.id).entries()) {
    if (index >= most) break;
    if (!(await agent.hasTaken(run.folder, file))) break;
    last = lastSeq;
  }
  return last;
}
