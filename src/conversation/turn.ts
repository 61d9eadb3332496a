import type { AgentRunner, RunningTurn, TurnOutcome, TurnRequest } from '../agent/agent.ts';
import type { Quoted } from '../channel/channel.ts';
import type { Clock, NewId } from '../clock.ts';
import type { Log } from '../log.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Provider } from '../protocol/provider.ts';
import { isStaleSession } from '../protocol/stale-session.ts';
import { type OutputFrame, visibleText } from '../protocol/turn.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Run } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { quoteOf, textMessages } from '../text/messages.ts';
import type { Timings } from '../timings.ts';
import { Dialogue } from './dialogue.ts';
import { type Failure, findFailure, type ModelSource } from './notices.ts';
import type { Settlement } from './settlement.ts';

/** What a turn needs from the rooms around it. */
export interface TurnPorts {
  readonly store: Store;
  readonly agent: AgentRunner;
  readonly settlement: Settlement;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  /** The agent of groups that have none of their own, and its model. */
  readonly provider: Provider;
  readonly model: string | undefined;
  /** Milliseconds that a sandbox stays after its answer, for follow-ups. */
  readonly idleTimeoutMs: number;
  /** Everything that the agent dropped in the folder's mailbox so far has become its effect. Rejects when that cannot be. */
  readonly drainMailbox: (folder: string) => Promise<void>;
  readonly timings: Pick<Timings, 'closeGraceMs'>;
}

export interface TurnPlan {
  readonly run: Run;
  readonly group: RegisteredGroup;
  readonly prompt: string;
  /** Whether the run resumes the group's session and leaves its own there. */
  readonly sharesSession: boolean;
  readonly script: string | undefined;
  /** The prompt of a follow-up: the waiting messages after one of them. Undefined: none calls the assistant. */
  readonly followUp: (after: number) => { readonly text: string; readonly lastSeq: number } | undefined;
  /** Shows that the agent is at work, until the returned function is called. */
  readonly showWork: () => () => void;
  /** Called when the agent has answered all that it was given. */
  readonly onIdle: () => void;
}

/** The host itself failed: an answer that could not be stored, a mailbox that could not be drained. */
export class UnsettledTurnError extends Error {
  override readonly name = 'UnsettledTurnError';
  /** The run log's name. */
  readonly logFile: string | undefined;

  constructor(cause: unknown, logFile: string | undefined) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.logFile = logFile;
  }

  /** The cause's own. */
  get code(): string {
    return codeOf(this.cause);
  }
}

/** One claimed run, from its prompt to its stored answer. */
export class Turn {
  readonly #ports: TurnPorts;
  readonly #plan: TurnPlan;
  readonly #log: Log;
  readonly #provider: Provider;
  readonly #dialogue: Dialogue;
  #running: RunningTurn | undefined;
  #stopShowing: () => void;
  #resumed = false;
  /** The group's session as this turn found or stored it last, and how often all were cleared before. */
  #session: string | undefined;
  #clears = 0;
  #hostStops = false;
  #followedUpAt: number | undefined;
  #isWithdrawn = false;
  #lastResult: string | undefined;
  #lastQuoted: string | undefined;
  #sessionNoted = false;
  /** The session that no answer was given in yet: a try that is given up leaves the group's session as it was. */
  #newSession: { readonly sessionId: string; readonly resumeAt: string | undefined } | undefined;
  /** The last message that an answer has answered. */
  #answeredUpTo: number | null;
  #errorFrame: OutputFrame | undefined;
  #frameError: unknown;

  constructor(ports: TurnPorts, plan: TurnPlan) {
    this.#ports = ports;
    this.#plan = plan;
    this.#log = ports.log.child({ group: plan.group.folder, run: plan.run.id });
    this.#provider = plan.group.containerConfig.provider ?? ports.provider;
    this.#dialogue = new Dialogue({ ...ports, log: this.#log, onIdle: plan.onIdle }, plan.run);
    this.#answeredUpTo = plan.run.lastSeq;
    this.#stopShowing = plan.showWork();
  }

  get chatJid(): string {
    return this.#plan.run.chatJid;
  }

  get kind(): Run['kind'] {
    return this.#plan.run.kind;
  }

  /** When the agent had answered all that it was given, in milliseconds since the epoch; undefined: it is at work. */
  get idleSince(): number | undefined {
    return this.#dialogue.idleSince;
  }

  /** Whether the sandbox was asked to finish as soon as it has answered. */
  get isLeaving(): boolean {
    return this.#dialogue.isLeaving;
  }

  /** When the agent was given a follow-up last, in milliseconds since the epoch; undefined: it was given none. */
  get followedUpAt(): number | undefined {
    return this.#followedUpAt;
  }

  /** The last message that the agent was given. */
  get given(): number {
    return this.#dialogue.given;
  }

  /**
   * Runs the turn and settles it.
   * @throws UnsettledTurnError when the database or a disk fails: the run is left as it is, for what it has done is not known before its
   * mailbox is drained
   */
  async run(): Promise<void> {
    const { agent, drainMailbox } = this.#ports;
    const running = await agent.run(this.#request(), (frame) => this.#takeFrame(frame));
    this.#running = running;
    this.#dialogue.begin(running);
    if (this.#hostStops || this.#isWithdrawn) void running.stop();
    else this.offerFollowUps();
    const outcome = await running.done;
    this.#dialogue.end();
    try {
      if (this.#frameError !== undefined) throw this.#frameError;
      await drainMailbox(this.#plan.group.folder);
      this.#settle(outcome, await this.#dialogue.takenUpTo());
    } catch (error) {
      throw new UnsettledTurnError(error, outcome.logFile);
    }
  }

  /** Gives the agent what people said since, if it may have more. */
  offerFollowUps(): void {
    // What a sandbox takes while it is ended would count as withdrawn with the rest.
    const after = this.#isWithdrawn ? undefined : this.#dialogue.givenUpTo;
    const followUp = after === undefined ? undefined : this.#plan.followUp(after);
    if (followUp === undefined) return;
    this.#stopShowing();
    this.#stopShowing = this.#plan.showWork();
    this.#followedUpAt = this.#ports.clock.now();
    this.#dialogue.give(followUp.text, followUp.lastSeq).catch((error: unknown) => {
      this.#log.error(
        { err: error },
        'A follow-up could not be given to the agent; it waits for the next turn',
      );
    });
  }

  /** Something waits that this turn's sandbox cannot take, or the host ends: it ends as soon as it has answered. */
  makeWay(): void {
    void this.#dialogue.makeWay();
  }

  /** The turn is over, however it went: nothing shows that the agent is at work. */
  end(): void {
    this.#dialogue.end();
    this.#stopShowing();
  }

  /** The host stops: the sandbox is ended and the run counts as interrupted, unless it had answered. */
  async stop(): Promise<void> {
    this.#hostStops = true;
    await this.#running?.stop();
  }

  /** All messages that the agent has yet to answer were deleted: the sandbox is ended, and the chat hears nothing. */
  withdraw(): void {
    if (this.#isWithdrawn) return;
    this.#isWithdrawn = true;
    void this.#running?.stop();
  }

  #request(): TurnRequest {
    const { run, group, prompt, sharesSession, script } = this.#plan;
    const session = sharesSession ? this.#ports.store.sessions.find(group.folder, this.#provider) : undefined;
    this.#resumed = session !== undefined;
    this.#session = session?.sessionId;
    this.#clears = this.#ports.store.sessions.clears;
    return {
      runId: run.id,
      groupFolder: group.folder,
      chatJid: run.chatJid,
      isMain: group.isMain,
      isScheduledTask: run.kind === 'task',
      prompt,
      provider: this.#provider,
      model: this.#model(),
      sessionId: session?.sessionId,
      resumeAt: session?.resumeAt ?? undefined,
      script,
      containerConfig: group.containerConfig,
    };
  }

  /** A model belongs to its agent: the general one is no other agent's. */
  #model(): string | undefined {
    const { model } = this.#plan.group.containerConfig;
    return model ?? (this.#provider === this.#ports.provider ? this.#ports.model : undefined);
  }

  get #modelSource(): ModelSource {
    if (this.#plan.group.containerConfig.model !== undefined) return 'chat';
    return this.#model() === undefined ? 'agent' : 'host';
  }

  /** A frame that could not be stored ends the sandbox, and the turn is not settled whatever was said before. */
  async #takeFrame(frame: OutputFrame): Promise<void> {
    try {
      await this.#onFrame(frame);
    } catch (error) {
      this.#frameError = error;
      throw error;
    }
  }

  async #onFrame(frame: OutputFrame): Promise<void> {
    const { store, clock, drainMailbox } = this.#ports;
    const { run, group } = this.#plan;
    const result = frame.status === 'success' ? (frame.result ?? undefined) : undefined;
    // At once: what is taken after the answer is not answered by it.
    const answeredUpTo = result === undefined ? null : await this.#dialogue.answeredUpTo(frame.followUps);
    // What a tool sent before the answer stands before it in the chat.
    await drainMailbox(group.folder);
    if (frame.status === 'error') this.#errorFrame = frame;
    const text = result === undefined ? '' : visibleText(result);
    if (frame.newSessionId !== undefined) {
      this.#newSession = { sessionId: frame.newSessionId, resumeAt: frame.resumeAt };
    }
    store.transaction(() => {
      if (result !== undefined || this.#lastResult !== undefined) this.#saveSession();
      if (result === undefined) return;
      // The parts of one answer bear one instant.
      const now = clock.now();
      store.runs.noteAnswer(run.id, now);
      if (answeredUpTo !== null) store.messages.moveCursor(run.chatJid, answeredUpTo);
      if (text === '') return;
      for (const message of textMessages(text, this.#quoted(answeredUpTo))) {
        store.outbox.add({ chatJid: run.chatJid, message, source: 'reply', runId: run.id }, now);
      }
    });
    this.#noteSession(frame.newSessionId);
    if (result === undefined) return;
    this.#answeredUpTo = answeredUpTo ?? this.#answeredUpTo;
    this.#lastResult = text;
    // The agent goes on with a follow-up that this answer does not cover.
    if (answeredUpTo === null || answeredUpTo >= this.#dialogue.given) this.#stopShowing();
    await this.#dialogue.answered(answeredUpTo);
  }

  /** What an answer answers, where several people talk; said again by no later answer of the same turn. */
  #quoted(answeredUpTo: number | null): Quoted | undefined {
    const { store } = this.#ports;
    const { run, group } = this.#plan;
    if (answeredUpTo === null || store.chats.find(run.chatJid)?.isGroup !== true) return undefined;
    const call = store.messages.lastCall(run.chatJid, answeredUpTo, group.requiresTrigger);
    if (call === undefined || call.id === this.#lastQuoted) return undefined;
    this.#lastQuoted = call.id;
    return quoteOf(call);
  }

  /** A session that an operator removed or replaced since is not brought back. */
  #saveSession(): void {
    const { group, sharesSession } = this.#plan;
    const { sessions } = this.#ports.store;
    const session = this.#newSession;
    this.#newSession = undefined;
    if (!sharesSession || session === undefined) return;
    const isOurs = sessions.find(group.folder, this.#provider)?.sessionId === this.#session;
    if (!isOurs || sessions.clears !== this.#clears) return;
    sessions.save(group.folder, this.#provider, session);
    this.#session = session.sessionId;
  }

  #noteSession(sessionId: string | undefined): void {
    if (sessionId === undefined || this.#sessionNoted) return;
    this.#sessionNoted = true;
    // The id ends the line: operators cut it off there.
    this.#ports.log.info(`Session initialized: ${sessionId}`);
  }

  /** @param takenUpTo the last message that the agent has taken */
  #settle(outcome: TurnOutcome, takenUpTo: number | null): void {
    const { settlement } = this.#ports;
    const run = { ...this.#plan.run, lastSeq: takenUpTo };
    const end = { exitReason: outcome.reason, logFile: outcome.logFile };
    const failure = findFailure(outcome, this.#errorFrame, this.#modelSource);
    const facts = { durationMs: outcome.durationMs, log: outcome.logFile };
    if (failure === undefined) {
      this.#saveSession();
      // What the agent took and did not answer waits for the next turn.
      settlement.succeed({ ...run, lastSeq: this.#answeredUpTo }, end, this.#lastResult);
      this.#log.info(facts, 'Turn done');
    } else if (this.#hostStops && outcome.reason === 'stopped') {
      const became = settlement.interrupt(run, end);
      this.#log.warn({ ...facts, outcome: became }, 'Turn interrupted: the host stops');
    } else if (this.#isWithdrawn && outcome.reason === 'stopped') {
      settlement.withdraw(run, end);
      this.#log.info(facts, 'Turn ended: its messages were deleted');
    } else if (this.#sessionIsLost(failure)) {
      const became = settlement.loseSession(run, end, this.#provider, failure);
      this.#log.warn({ ...facts, outcome: became, error: failure.detail }, 'Stale session cleared');
    } else {
      const became = settlement.fail(run, end, failure, this.#lastResult);
      const level = became === 'answered' ? 'warn' : 'error';
      const words =
        became === 'answered' ? 'Turn done, but its sandbox failed after the answer' : 'Turn failed';
      this.#log[level]({ ...facts, outcome: became, reason: outcome.reason, error: failure.detail }, words);
    }
  }

  /**
   * Only a session that was resumed can be lost: the try with a new one that follows never can. One that has
   * grown too long for the model is lost as well: the prompt alone never is, and without this no later
   * message would be answered.
   */
  #sessionIsLost(failure: Failure): boolean {
    if (!this.#resumed) return false;
    const kind = this.#errorFrame?.errorKind;
    // A runner that names no kind, as v1's, is judged by its words; one that does has judged itself.
    if (kind === undefined) return isStaleSession(failure.detail);
    return kind === 'session_lost' || kind === 'prompt_too_long';
  }
}
