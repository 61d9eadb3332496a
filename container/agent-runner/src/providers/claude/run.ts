import { TurnFailure } from '../../failure.ts';
import { WRAP_UP_PROMPT } from '../programs/wrap-up.ts';
import type { AgentFrame, AgentTurn } from '../provider.ts';
import type { ClaudeProgram } from './claude-program.ts';
import {
  AnchorLost,
  failedServers,
  hopelessRetry,
  isInterrupted,
  resultFailure,
  toolServerFailure,
} from './failure.ts';
import { PendingMessages } from './pending-messages.ts';
import type {
  QueryFunction,
  SdkMessage,
  SdkOptions,
  SdkQuery,
  SdkResultMessage,
  SdkToolServer,
} from './sdk.ts';
import { UserMessages } from './user-messages.ts';

export interface RunStart {
  readonly query: QueryFunction;
  readonly options: SdkOptions;
  readonly program: ClaudeProgram;
  readonly newId: () => string;
}

/**
 * One run of the program. It goes on as long as something that was said to it is unanswered:
 *
 * - `listening`: the prompt was said, and follow-ups are taken and said as they come. The program folds one into the answer
 *   that it works on, or answers it next; each result names the messages that it answers.
 * - `closing`: all is answered, so no more follow-ups are taken. One whose file was unlinked at that very moment is said
 *   still, and waited for; then the program's input ends, and the program with it.
 * - `wrapping up`, from `listening`: no more follow-ups are taken, the turn is interrupted, and the program is told, before
 *   whatever waits, to answer with what it has; what was said and not answered is said again with it. Its answer, or that of a
 *   turn which had ended by itself meanwhile, is the last.
 *
 * A stop ends the program from any state, without a frame. An error ends it and is thrown.
 */
export class Run {
  readonly #turn: AgentTurn;
  readonly #start: RunStart;
  readonly #messages = new UserMessages();
  readonly #pending = new PendingMessages();
  /** Aborted when no more follow-ups are taken. */
  readonly #listening = new AbortController();
  #followUps: Promise<void> = Promise.resolve();
  #sessionId: string | undefined;
  #resumeAt: string | undefined;
  #assistantError: string | undefined;
  /** When the subscription's limit that is reached is reset, in seconds since the epoch. */
  #resetsAt: number | undefined;
  #promptId = '';
  /** Of the request to wrap up, once it was said. */
  #wrapUpId: string | undefined;
  #closed = false;

  constructor(turn: AgentTurn, start: RunStart) {
    this.#turn = turn;
    this.#start = start;
    this.#resumeAt = turn.resumeAt;
  }

  /** @throws TurnFailure, AnchorLost */
  async *frames(): AsyncGenerator<AgentFrame> {
    const { stop, wrapUp, prompt } = this.#turn;
    if (stop.aborted) return;
    const late = wrapUp.aborted;
    const query = this.#start.query({ prompt: this.#messages, options: this.#start.options });
    const onStop = () => void this.#start.program.end();
    const onWrapUp = () => this.#wrapUp(query);
    stop.addEventListener('abort', onStop, { once: true });
    if (!late) wrapUp.addEventListener('abort', onWrapUp, { once: true });
    try {
      this.#promptId = this.#say(late ? `${prompt}\n\n${WRAP_UP_PROMPT}` : prompt);
      if (!late) this.#followUps = this.#takeFollowUps();
      yield* this.#read(query);
    } finally {
      stop.removeEventListener('abort', onStop);
      wrapUp.removeEventListener('abort', onWrapUp);
      this.#listening.abort();
      await this.#start.program.end();
      query.close();
    }
  }

  async *#read(query: SdkQuery): AsyncGenerator<AgentFrame> {
    try {
      for await (const message of query) yield* this.#framesOf(message, query);
    } catch (error) {
      if (this.#turn.stop.aborted) return;
      if (error instanceof TurnFailure || error instanceof AnchorLost) throw error;
      const how = error instanceof Error ? error.message : String(error);
      if (this.#pending.size > 0) throw this.#ended(how);
      // Everything was answered: how the program went then is of no account.
      process.stderr.write(`claude: ${how}\n`);
      return;
    }
    if (this.#pending.size > 0 && !this.#turn.stop.aborted) throw this.#ended('it ended');
  }

  async *#framesOf(message: SdkMessage, query: SdkQuery): AsyncGenerator<AgentFrame> {
    if (message.type === 'assistant' && message.parent_tool_use_id === null) {
      this.#assistantError = message.error;
      // The program's own words about an error are no place to resume at.
      if (message.error === undefined) this.#resumeAt = message.uuid;
    } else if (message.type === 'result') {
      yield* this.#framesOfResult(message);
    } else if (message.type === 'system' && message.subtype === 'init') {
      const failure = toolServerFailure(await withReasons(message.mcp_servers, query));
      if (failure !== undefined) throw failure;
      if (message.session_id !== this.#sessionId) {
        this.#sessionId = message.session_id;
        if (message.session_id !== this.#turn.sessionId) this.#resumeAt = undefined;
        yield this.#frame(null);
      }
    } else if (message.type === 'system' && message.subtype === 'api_retry') {
      process.stderr.write(
        `claude: try ${message.attempt} failed (${message.error_status ?? message.error})\n`,
      );
      const failure = hopelessRetry(message, this.#turn.env);
      if (failure !== undefined) throw failure;
    } else if (message.type === 'rate_limit_event') {
      const { status, resetsAt } = message.rate_limit_info;
      this.#resetsAt = status === 'rejected' ? resetsAt : undefined;
    }
  }

  async *#framesOfResult(result: SdkResultMessage): AsyncGenerator<AgentFrame> {
    this.#pending.answered(result.user_message_uuids);
    if (this.#wrapUpId !== undefined && isInterrupted(result)) return;
    if (result.is_error) {
      throw resultFailure(result, this.#assistantError, this.#turn.env, secondsUntil(this.#resetsAt));
    }
    yield this.#frame(result.result ?? '');
    if (this.#isLast()) this.#finish();
    else if (this.#pending.size === 0) await this.#close();
  }

  /** Whether this answer is the last one of a turn whose time is up. */
  #isLast(): boolean {
    const id = this.#wrapUpId;
    if (id === undefined) return false;
    return !this.#pending.has(id) || this.#pending.textsBeside(id).length === 0;
  }

  /** Ends the program now, whatever it was told besides. */
  #finish(): void {
    this.#pending.answered();
    this.#closed = true;
    this.#messages.end();
    void this.#start.program.end();
  }

  /** Ends the program's input, unless a follow-up was taken at the last moment. */
  async #close(): Promise<void> {
    this.#closed = true;
    this.#listening.abort();
    await this.#followUps;
    if (this.#pending.size > 0) {
      this.#closed = false;
      return;
    }
    this.#messages.end();
    this.#start.program.letEnd();
  }

  async #takeFollowUps(): Promise<void> {
    try {
      for await (const text of this.#turn.followUps.arriving(this.#listening.signal)) this.#say(text);
    } catch (error) {
      process.stderr.write(`follow-ups are not taken: ${(error as Error).message}\n`);
    }
  }

  #wrapUp(query: SdkQuery): void {
    if (this.#closed) return;
    this.#listening.abort();
    query.interrupt().catch((error: Error) => {
      process.stderr.write(`claude cannot be interrupted: ${error.message}\n`);
    });
    // Not after the interruption is confirmed: the program would begin with what waits already.
    const unanswered = this.#pending.textsBeside(this.#promptId);
    const text = [WRAP_UP_PROMPT, ...unanswered].join('\n\n');
    this.#wrapUpId = this.#say(text, 'now');
  }

  /** @returns the id by which a result names it */
  #say(text: string, priority?: 'now'): string {
    const id = this.#start.newId();
    this.#pending.add(id, text);
    this.#messages.push(text, id, priority);
    return id;
  }

  #frame(result: string | null): AgentFrame {
    return {
      status: 'success',
      result,
      ...(this.#sessionId === undefined ? {} : { newSessionId: this.#sessionId }),
      ...(this.#resumeAt === undefined ? {} : { resumeAt: this.#resumeAt }),
      ...(result === null || this.#pending.size === 0 ? {} : { unanswered: this.#pending.size }),
    };
  }

  #ended(how: string): TurnFailure {
    const tail = this.#start.program.stderrTail.trim();
    return new TurnFailure(`Claude’s program stopped before it had answered (${tail === '' ? how : tail})`);
  }
}

/** @param instant seconds since the epoch. @returns undefined: none, or it has passed */
function secondsUntil(instant: number | undefined): number | undefined {
  if (instant === undefined) return undefined;
  const seconds = Math.ceil(instant - Date.now() / 1_000);
  return seconds > 0 ? seconds : undefined;
}

/** The servers' states, with the reasons where one did not start. */
async function withReasons(
  servers: readonly SdkToolServer[],
  query: SdkQuery,
): Promise<readonly SdkToolServer[]> {
  if (failedServers(servers).length === 0) return servers;
  return query.mcpServerStatus().catch(() => servers);
}
