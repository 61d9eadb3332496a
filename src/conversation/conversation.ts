import type { Channel } from '../channel/channel.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Run } from '../store/runs.ts';
import { earlier, FAILURE_PAUSE_MS, Waker } from '../waker.ts';
import { takenUpTo } from './dialogue.ts';
import { nextTry } from './retries.ts';
import { Turn, type TurnPlan, type TurnPorts } from './turn.ts';
import { CHARACTER_CAP, chatPrompt, MESSAGE_CAP, takeWhatFits, taskPrompt } from './turn-prompt.ts';
import { showTyping } from './typing.ts';

export interface ConversationOptions extends TurnPorts {
  readonly channel: Pick<Channel, 'setTyping'>;
  readonly timezone: string;
  readonly mostAtOnce: number;
  /** Makes a group's directories and brings what its sandbox reads up to date. Called before each start. */
  readonly prepare: (group: RegisteredGroup) => Promise<void>;
  /** Called when a group's sandbox has ended. */
  readonly cleanUp: (group: RegisteredGroup) => Promise<void>;
}

/** Something that waits for a turn. */
interface Job {
  readonly kind: 'chat' | 'task';
  readonly group: RegisteredGroup;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly claim: () => TurnPlan | undefined;
}

/**
 * Decides which turns run: one at a time per group, groups side by side up to a limit, waiting people before tasks.
 * What waits stands in the database alone; this room remembers only which groups are at work.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #active = new Map<string, { group: RegisteredGroup; turn: Turn; done: Promise<void> }>();
  /** Groups in whose turn the host itself failed (a full disk, say), and until when they are left alone. */
  readonly #resting = new Map<string, number>();
  readonly #waker: Waker;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#waker = new Waker((now) => this.#look(now), options.clock, options.log);
  }

  /** The groups whose sandbox runs now. */
  activeGroups(): readonly RegisteredGroup[] {
    return [...this.#active.values()].map(({ group }) => group);
  }

  /** Settles the runs that a crash cut off. To be called once, before anything starts, when their sandboxes are gone. */
  async settleInterrupted(): Promise<void> {
    const { store, settlement, log } = this.#options;
    for (const run of store.runs.running()) {
      const lastSeq = await takenUpTo(this.#options, run);
      const again = settlement.interrupt(
        { ...run, lastSeq },
        { exitReason: 'host_crashed', logFile: undefined },
      );
      log.warn({ group: run.folder, run: run.id, again }, 'Turn was interrupted by a crash');
    }
  }

  /** Starts what may start: on the bells `messages` and `runs`, and when a turn ends. */
  wake(): void {
    this.#waker.wake();
  }

  /**
   * Starts nothing more; turns under way may end by themselves for a while, then they are ended and count as interrupted.
   * @param graceMs milliseconds
   */
  async stop(graceMs: number): Promise<void> {
    this.#waker.stop();
    const all = Promise.all([...this.#active.values()].map(({ done }) => done));
    let grace: NodeJS.Timeout | undefined;
    const over = new Promise<'over'>((resolve) => {
      grace = setTimeout(() => resolve('over'), graceMs);
    });
    const first = await Promise.race([all, over]);
    clearTimeout(grace);
    if (first !== 'over') return;
    await Promise.all([...this.#active.values()].map(({ turn }) => turn.stop()));
    await all;
  }

  #look(now: number): number | undefined {
    let next: number | undefined;
    for (const job of this.#jobs()) {
      const active = this.#active.get(job.group.folder);
      if (active !== undefined) {
        if (job.kind === 'chat' && active.turn.chatJid === job.group.jid) active.turn.offerFollowUps();
        else active.turn.makeWay();
        continue;
      }
      if (this.#active.size >= this.#options.mostAtOnce) continue;
      const time = Math.max(job.notBefore, this.#resting.get(job.group.folder) ?? 0);
      if (time > now) next = earlier(next, time);
      else this.#start(job);
    }
    return next;
  }

  *#jobs(): Generator<Job> {
    const { store } = this.#options;
    const withPeople = new Set<string>();
    for (const { chatJid, firstSeq } of store.messages.waiting()) {
      const group = store.groups.find(chatJid);
      if (group === undefined) continue;
      withPeople.add(group.folder);
      yield this.#chatJob(group, firstSeq);
    }
    for (const run of store.runs.queued()) {
      // A person who waits for another try is not overtaken by a task either.
      if (withPeople.has(run.folder)) continue;
      const group = store.groups.find(run.chatJid);
      if (group?.folder === run.folder) {
        yield { kind: 'task', group, notBefore: run.notBefore, claim: () => this.#claimTask(run, group) };
      } else this.#drop(run, 'its chat is not registered any more');
    }
  }

  #chatJob(group: RegisteredGroup, firstSeq: number): Job {
    const next = nextTry(this.#options.store.runs.tries(group.jid, firstSeq));
    // A run that ended for good has moved the cursor; what an operator moved back is a fresh start.
    const { time, attempt } = next.kind === 'at' ? next : { time: 0, attempt: 1 };
    return { kind: 'chat', group, notBefore: time, claim: () => this.#claimChat(group, firstSeq, attempt) };
  }

  #claimChat(group: RegisteredGroup, firstSeq: number, attempt: number): TurnPlan | undefined {
    const { store, newId, clock, timezone, channel } = this.#options;
    const found = store.messages.ofTurn(group.jid, firstSeq, MESSAGE_CAP);
    const messages = takeWhatFits(found, firstSeq, CHARACTER_CAP);
    const lastSeq = messages.at(-1)?.seq;
    if (lastSeq === undefined) return undefined;
    const run = store.runs.startChat(
      { id: newId(), folder: group.folder, chatJid: group.jid, attempt, firstSeq, lastSeq },
      clock.now(),
    );
    return {
      run,
      group,
      prompt: chatPrompt(messages, timezone),
      sharesSession: true,
      script: undefined,
      followUp: (after) => this.#followUp(group, after),
      showWork: () => showTyping(channel, group.jid),
    };
  }

  #followUp(group: RegisteredGroup, after: number): { text: string; lastSeq: number } | undefined {
    const { store, timezone } = this.#options;
    const firstSeq = store.messages.nextCall(group.jid, after, group.requiresTrigger);
    if (firstSeq === undefined) return undefined;
    const found = store.messages.ofTurn(group.jid, firstSeq, MESSAGE_CAP).filter(({ seq }) => seq > after);
    const messages = takeWhatFits(found, firstSeq, CHARACTER_CAP);
    const lastSeq = messages.at(-1)?.seq;
    return lastSeq === undefined ? undefined : { text: chatPrompt(messages, timezone), lastSeq };
  }

  #claimTask(queued: Run, group: RegisteredGroup): TurnPlan | undefined {
    const { store, clock, timezone } = this.#options;
    const task = store.tasks.find(queued.taskId ?? '');
    if (task === undefined) {
      this.#drop(queued, 'the task was cancelled');
      return undefined;
    }
    return {
      run: store.runs.startQueued(queued.id, clock.now()),
      group,
      prompt: taskPrompt(task.prompt, timezone),
      sharesSession: task.contextMode === 'group',
      script: task.script ?? undefined,
      followUp: () => undefined,
      showWork: () => () => undefined,
    };
  }

  #drop(queued: Run, error: string): void {
    const { store, clock } = this.#options;
    store.runs.end(
      queued.id,
      { status: 'failed', exitReason: 'cancelled', error, logFile: undefined },
      clock.now(),
    );
  }

  /** A run that the host could not settle (a full disk, say) is settled before the folder's next one is claimed. */
  #settleLeftovers(folder: string): boolean {
    const { store, settlement } = this.#options;
    const left = store.runs.running().filter((run) => run.folder === folder);
    for (const run of left) settlement.interrupt(run, { exitReason: 'host_failed', logFile: undefined });
    return left.length > 0;
  }

  #start(job: Job): void {
    const { log, clock } = this.#options;
    if (this.#settleLeftovers(job.group.folder)) {
      // What waits may be something else now.
      setImmediate(() => this.wake());
      return;
    }
    const plan = job.claim();
    if (plan === undefined) return;
    const { group } = plan;
    const turn = new Turn(this.#options, plan);
    const done = this.#run(turn, plan)
      .catch((error: unknown) => {
        log.error({ err: error, group: group.folder, run: plan.run.id }, 'Turn failed inside the host');
        this.#resting.set(group.folder, clock.now() + FAILURE_PAUSE_MS);
      })
      .finally(() => {
        this.#active.delete(group.folder);
        this.wake();
      });
    this.#active.set(group.folder, { group, turn, done });
  }

  async #run(turn: Turn, plan: TurnPlan): Promise<void> {
    const { prepare, cleanUp } = this.#options;
    try {
      await prepare(plan.group);
      await turn.run();
    } catch (error) {
      turn.fail(error);
      throw error;
    } finally {
      turn.end();
      await cleanUp(plan.group);
    }
  }
}
