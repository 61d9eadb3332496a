import type { Channel } from '../channel/channel.ts';
import { HOUR, MINUTE, Pauses, SECOND } from '../clock.ts';
import { isPassing } from '../machine-trouble.ts';
import { isFolderName } from '../protocol/layout.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { Run } from '../store/runs.ts';
import type { Timings } from '../timings.ts';
import { earlier, Waker } from '../waker.ts';
import { Leftovers } from './leftovers.ts';
import { reportLongWork } from './long-work.ts';
import { promptAttachments } from './prompt-attachments.ts';
import { quotationsOf } from './quotations.ts';
import { nextTry, type RetryTimings } from './retries.ts';
import { Turn, type TurnPlan, type TurnPorts } from './turn.ts';
import { fitPrompt, MESSAGE_CAP, taskPrompt } from './turn-prompt.ts';
import { showTyping } from './typing.ts';
import { reportUnusable } from './unusable-values.ts';
import { WaitingChats } from './waiting-chats.ts';

export interface ConversationOptions extends TurnPorts {
  readonly channel: Pick<Channel, 'setTyping' | 'state'>;
  readonly timezone: string;
  readonly mostAtOnce: number;
  /** Makes a group's directories and brings what its sandbox reads up to date. Called before each start. */
  readonly prepare: (group: RegisteredGroup) => Promise<void>;
  /** Called when a group's sandbox has ended. */
  readonly cleanUp: (group: RegisteredGroup) => Promise<void>;
  readonly timings: Pick<
    Timings,
    | 'workFailurePauseMs'
    | 'backlogPauseMs'
    | keyof RetryTimings
    | 'typingRefreshMs'
    | 'closeGraceMs'
    | 'waitNoticeAfterMs'
    | 'longWorkNoticeAfterMs'
    | 'longWorkNoticeEveryMs'
  >;
}

/** Longer than any pause before another try and than any file is waited for: further off is what a clock said that was set back since. */
const LONGEST_WAIT_MS = HOUR + MINUTE;

/**
 * An edit is given to an agent at work this long after its last follow-up: some senders write a message bit by
 * bit, and every follow-up is answered.
 */
const EDIT_PAUSE_MS = 10 * SECOND;

/** Something that waits for a turn. */
interface Job {
  readonly kind: 'chat' | 'task';
  readonly group: RegisteredGroup;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly claim: () => TurnPlan | undefined;
}

/**
 * Decides which turns run: one at a time per group, groups side by side up to a limit, waiting people before tasks. Where
 * the limit is above one, tasks leave one place to people; an idle sandbox makes room for whatever waits at the limit.
 * What waits stands in the database alone; this room remembers only which groups are at work.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #active = new Map<string, { group: RegisteredGroup; turn: Turn; done: Promise<void> }>();
  /** Groups in whose turn the host itself failed (a full disk, say). */
  readonly #resting: Pauses<string>;
  /** Groups whose left-over runs are being settled. */
  readonly #settling = new Map<string, Promise<void>>();
  readonly #leftovers: Leftovers;
  readonly #waitingChats: WaitingChats;
  readonly #waker: Waker;
  /** When a message came last, in milliseconds since the epoch. */
  #cameAt = Number.NEGATIVE_INFINITY;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#resting = new Pauses(options.clock);
    this.#leftovers = new Leftovers(options);
    this.#waitingChats = new WaitingChats(options);
    this.#waker = new Waker((now) => this.#look(now), options);
  }

  /** The groups whose sandbox runs now. */
  activeGroups(): readonly RegisteredGroup[] {
    return [...this.#active.values()].map(({ group }) => group);
  }

  /**
   * Settles the runs that a crash cut off. To be called once, before anything starts, when their sandboxes are gone. What cannot be
   * settled just now is settled before its group's next turn.
   */
  async settleInterrupted(): Promise<void> {
    for (const folder of this.#leftovers.folders(() => false)) {
      await this.#leftovers
        .settle(folder, 'host_crashed')
        .catch((error: unknown) => this.#rest(folder, error));
    }
  }

  /** As `wake`: on the bell `messages`. */
  messagesCame(): void {
    this.#cameAt = this.#options.clock.now();
    this.wake();
  }

  /** Starts what may start: on the bells `runs` and `attachments`, when the line opens, and when a turn ends. */
  wake(): void {
    this.#waker.wake();
  }

  /**
   * Starts nothing more; idle sandboxes end at once, turns under way may end by themselves for a while, then they are ended and count as
   * interrupted.
   * @param graceMs milliseconds
   */
  async stop(graceMs: number): Promise<void> {
    this.#waker.stop();
    this.#waitingChats.update(new Map());
    await this.#endTurns(graceMs);
    // What an operator writes while no host runs is compared with it.
    if (this.#options.store.isOpen) this.#takeMovedCursors();
  }

  async #endTurns(graceMs: number): Promise<void> {
    for (const { turn } of this.#active.values()) turn.makeWay();
    const all = Promise.all([
      ...this.#settling.values(),
      ...[...this.#active.values()].map(({ done }) => done),
    ]);
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
    let next = this.#lookForLeftovers(now);
    this.#takeMovedCursors();
    reportUnusable(this.#options);
    this.#withdrawDeleted();
    /** Jobs that could start but for the limit. */
    const atLimit = { chat: 0, task: 0 };
    const waitingChats = new Map<string, { isBehindTask: boolean }>();
    const wait = (job: Job, isBehindTask: boolean): void => {
      if (job.kind === 'chat') waitingChats.set(job.group.jid, { isBehindTask });
    };
    for (const job of this.#jobs()) {
      if (this.#settling.has(job.group.folder)) continue;
      const active = this.#active.get(job.group.folder);
      const isItsTurn = active?.turn.kind === 'chat' && active.turn.chatJid === job.group.jid;
      if (active !== undefined && job.kind === 'chat' && isItsTurn) {
        next = earlier(next, this.#offerFollowUps(active.turn, job.group, now));
        continue;
      }
      const time = Math.max(job.notBefore, now + (this.#resting.left(job.group.folder) ?? 0));
      const isEarly = time > now && time <= now + LONGEST_WAIT_MS;
      if (active !== undefined) {
        active.turn.makeWay();
        if (!isEarly) wait(job, active.turn.kind === 'task');
      } else if (isEarly) next = earlier(next, time);
      else if (this.#active.size >= this.#options.mostAtOnce) {
        atLimit[job.kind] += 1;
        wait(job, this.#tasksAtWork() > 0);
      } else if (job.kind === 'chat' || this.#placesForTasks() > 0) this.#start(job);
    }
    this.#makeRoom(atLimit.chat + Math.min(atLimit.task, this.#placesForTasks()));
    this.#waitingChats.update(waitingChats);
    return next;
  }

  /** What an operator wrote over v1's cursors takes effect before the next turn. */
  #takeMovedCursors(): void {
    const { store, log } = this.#options;
    const atWork = [...this.#active.values()].filter(({ turn }) => turn.kind === 'chat');
    const busy = atWork.map(({ turn }) => store.samePerson.current(turn.chatJid));
    const change = store.cursorView.sync(new Set(busy));
    if (change === undefined) return;
    if (change.chats.length > 0)
      log.info({ chats: change.chats }, 'Moved the cursors: last_agent_timestamp was changed by hand');
    if (change.problem !== undefined) {
      const words =
        'last_agent_timestamp was not understood and is put back; use ISO times, per chat or one for all';
      log.warn({ found: change.problem }, words);
    }
  }

  #tasksAtWork(): number {
    return [...this.#active.values()].filter(({ turn }) => turn.kind === 'task').length;
  }

  /** How many more tasks may be at work. */
  #placesForTasks(): number {
    return Math.max(0, Math.max(1, this.#options.mostAtOnce - 1) - this.#tasksAtWork());
  }

  /** Asks sandboxes that only wait for follow-ups to finish, the longest idle first. @param places how many are needed */
  #makeRoom(places: number): void {
    const idle = [...this.#active.values()]
      .map(({ turn }) => turn)
      .filter(({ idleSince }) => idleSince !== undefined)
      .toSorted((one, other) => (one.idleSince ?? 0) - (other.idleSince ?? 0));
    const leaving = idle.filter(({ isLeaving }) => isLeaving).length;
    for (const turn of idle.filter(({ isLeaving }) => !isLeaving).slice(0, Math.max(0, places - leaving)))
      turn.makeWay();
  }

  /** Ends the turns at work whose messages were all deleted before they were answered. */
  #withdrawDeleted(): void {
    const { messages, samePerson } = this.#options.store;
    for (const { turn, group } of this.#active.values()) {
      if (turn.kind !== 'chat' || turn.idleSince !== undefined) continue;
      const chatJid = samePerson.current(turn.chatJid);
      if (messages.areCallsDeleted(chatJid, turn.given, group.requiresTrigger)) turn.withdraw();
    }
  }

  /** @returns when to offer again: what was said since has files that are still being fetched, or may be edited again */
  #offerFollowUps(turn: Turn, group: RegisteredGroup, now: number): number | undefined {
    const firstSeq = this.#nextCall(group, turn.given);
    if (firstSeq === undefined) return undefined;
    const until = Math.max(
      this.#heldUntil(group, turn.given, firstSeq),
      this.#editHeldUntil(turn, firstSeq, now),
    );
    if (until > now) return until;
    turn.offerFollowUps();
    return undefined;
  }

  /** Until when a new text of a message waits for the next one; 0: it does not wait. */
  #editHeldUntil({ followedUpAt = 0 }: Turn, firstSeq: number, now: number): number {
    if (followedUpAt > now || !this.#options.store.messages.isEdit(firstSeq)) return 0;
    return followedUpAt + EDIT_PAUSE_MS;
  }

  #nextCall(group: RegisteredGroup, after: number): number | undefined {
    return this.#options.store.messages.nextCall(group.jid, after, group.requiresTrigger);
  }

  /** Until when messages wait for their files, in milliseconds since the epoch; 0: for none. */
  #heldUntil(group: RegisteredGroup, after: number, firstSeq: number): number {
    const { store, clock } = this.#options;
    return store.attachments.heldUntil(group.jid, after, firstSeq, clock.now()) ?? 0;
  }

  *#jobs(): Generator<Job> {
    const { store } = this.#options;
    const withPeople = new Set<string>();
    for (const { chatJid, firstSeq } of store.messages.waiting()) {
      const group = store.groups.find(chatJid);
      // An operator wrote another folder, and is told (`reportUnusable`): its messages wait until it is mended.
      if (group === undefined || !isFolderName(group.folder)) continue;
      withPeople.add(group.folder);
      yield this.#chatJob(group, firstSeq);
    }
    for (const run of store.runs.queued()) {
      // A person who waits for another try is not overtaken by a task either.
      if (withPeople.has(run.folder)) continue;
      const group = store.groups.find(run.chatJid);
      if (group !== undefined && !isFolderName(group.folder)) continue;
      if (group?.folder === run.folder) {
        yield { kind: 'task', group, notBefore: run.notBefore, claim: () => this.#claimTask(run, group) };
      } else this.#drop(run, 'its chat is not registered any more');
    }
  }

  /** What was edited or deleted while the line was away comes behind what it changes, and all of it before the line is open. */
  #backlogUntil(): number {
    const { channel, timings } = this.#options;
    return channel.state.status === 'open' ? 0 : this.#cameAt + timings.backlogPauseMs;
  }

  #chatJob(group: RegisteredGroup, firstSeq: number): Job {
    const { store, timings } = this.#options;
    const next = nextTry(store.runs.tries(group.jid, firstSeq), timings, this.#options.clock.now());
    // A run that ended for good has moved the cursor; what an operator moved back is a fresh start.
    const { time, attempt } = next.kind === 'at' ? next : { time: 0, attempt: 1 };
    const held = this.#heldUntil(group, store.messages.cursor(group.jid), firstSeq);
    const notBefore = Math.max(time, held, this.#backlogUntil());
    return { kind: 'chat', group, notBefore, claim: () => this.#claimChat(group, firstSeq, attempt) };
  }

  #claimChat(group: RegisteredGroup, firstSeq: number, attempt: number): TurnPlan | undefined {
    const { store, newId, clock, channel, timings } = this.#options;
    const found = store.messages.ofTurn(group.jid, firstSeq, MESSAGE_CAP);
    const { messages, text } = this.#prompt(group, found, firstSeq, store.messages.cursor(group.jid));
    const lastSeq = messages.at(-1)?.seq;
    if (lastSeq === undefined) return undefined;
    const run = store.transaction(() => {
      store.messages.markShown(group.jid, messages);
      return store.runs.startChat(
        { id: newId(), folder: group.folder, chatJid: group.jid, attempt, firstSeq, lastSeq },
        clock.now(),
      );
    });
    return {
      run,
      group,
      prompt: text,
      sharesSession: true,
      script: undefined,
      followUp: (after) => this.#followUp(group, after),
      showWork: () => {
        const stopTyping = showTyping(channel, group.jid, timings.typingRefreshMs);
        const stopReports = reportLongWork(this.#options, run);
        return () => {
          stopTyping();
          stopReports();
        };
      },
      onIdle: () => this.wake(),
    };
  }

  #followUp(group: RegisteredGroup, after: number): { text: string; lastSeq: number } | undefined {
    const { store, clock } = this.#options;
    const firstSeq = this.#nextCall(group, after);
    if (firstSeq === undefined || this.#heldUntil(group, after, firstSeq) > clock.now()) return undefined;
    const found = store.messages.ofTurn(group.jid, firstSeq, MESSAGE_CAP).filter(({ seq }) => seq > after);
    const { messages, text } = this.#prompt(group, found, firstSeq, after);
    const lastSeq = messages.at(-1)?.seq;
    if (lastSeq === undefined) return undefined;
    store.messages.markShown(group.jid, messages);
    return { text, lastSeq };
  }

  /**
   * @param after the last message that was shown or answered before: what is left out is counted from there
   */
  #prompt(group: RegisteredGroup, found: readonly StoredMessage[], firstSeq: number, after: number) {
    const { store, timezone } = this.#options;
    const rows = store.attachments.ofMessages(found.map(({ seq }) => seq));
    const fitted = fitPrompt(
      found,
      firstSeq,
      timezone,
      promptAttachments(rows, group.folder),
      quotationsOf(store, group.jid, found),
    );
    const first = fitted.shown[0]?.seq ?? 0;
    const text = fitted.text(store.messages.countBetween(group.jid, after, first));
    return { messages: fitted.shown, text };
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
      onIdle: () => undefined,
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

  /** Runs that nobody works on are settled before their group's next turn. @returns when to look again */
  #lookForLeftovers(now: number): number | undefined {
    let next: number | undefined;
    const isBusy = (folder: string): boolean => this.#active.has(folder) || this.#settling.has(folder);
    for (const folder of this.#leftovers.folders(isBusy)) {
      const rest = this.#resting.left(folder) ?? 0;
      if (rest > 0) {
        next = earlier(next, now + rest);
        continue;
      }
      const settled = this.#leftovers
        .settle(folder, 'host_failed')
        .catch((error: unknown) => this.#rest(folder, error))
        .finally(() => {
          this.#settling.delete(folder);
          this.wake();
        });
      this.#settling.set(folder, settled);
    }
    return next;
  }

  #rest(folder: string, error: unknown): void {
    const { log, timings } = this.#options;
    log.error(
      { err: error, group: folder },
      'The host itself failed at a turn; its group rests for a moment',
    );
    this.#resting.begin(folder, timings.workFailurePauseMs);
  }

  #start(job: Job): void {
    const { log } = this.#options;
    const plan = job.claim();
    if (plan === undefined) return;
    const { group } = plan;
    this.#waitingChats.end(group.jid);
    const turn = new Turn(this.#options, plan);
    const done = this.#run(turn, plan)
      .catch((error: unknown) => {
        this.#leftovers.add(plan.run.id, error);
        if (isPassing(error)) this.#rest(group.folder, error);
        else log.error({ err: error, group: group.folder, run: plan.run.id }, 'Turn failed inside the host');
      })
      .finally(() => {
        this.#active.delete(group.folder);
        this.wake();
      });
    this.#active.set(group.folder, { group, turn, done });
  }

  async #run(turn: Turn, plan: TurnPlan): Promise<void> {
    const { prepare, cleanUp, log } = this.#options;
    try {
      await prepare(plan.group);
      await turn.run();
    } finally {
      turn.end();
      // How the turn ended stands, whatever becomes of this.
      await cleanUp(plan.group).catch((error: unknown) =>
        log.warn(
          { err: error, group: plan.group.folder, run: plan.run.id },
          'A turn could not be cleaned up after',
        ),
      );
    }
  }
}
