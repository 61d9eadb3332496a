import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import { codexArguments, codexKey, type EarlierSession } from './codex/arguments.ts';
import { describeItem, parseEvent } from './codex/events.ts';
import { codexFailure, isOtherProvider } from './codex/failure.ts';
import { prepareCodexHome } from './codex/home.ts';
import { codexInstructions } from './codex/instructions.ts';
import { codexProgram } from './codex/program.ts';
import { sessionFile, sessionToResume } from './codex/sessions.ts';
import { readMemory } from './memory.ts';
import { AgentProcess } from './programs/agent-process.ts';
import { childEnvironment } from './programs/child-environment.ts';
import { endOf, rewindTo } from './programs/session-file.ts';
import { WRAP_UP_PROMPT } from './programs/wrap-up.ts';
import type { AgentProvider, AgentTurn } from './provider.ts';

/** Errors, and besides them the servers of tools that did not start: Codex goes on without them and says nothing. */
const LOG_FILTER = 'error,codex_mcp::rmcp_client=warn';

/** What one run of the program came to. */
interface Run {
  readonly sessionId: string | undefined;
  /** The last thing that it said; what it said before is progress. */
  readonly answer: string | undefined;
  /** Its turn came to its own end. */
  readonly completed: boolean;
  /** The error of the turn; undefined: it ended well, or was broken off. */
  readonly error: string | undefined;
}

/** Codex, by `codex exec`: one process a turn; a follow-up is a turn of its own. */
export class CodexProvider implements AgentProvider {
  readonly name = 'codex';

  async *answer(turn: AgentTurn): AsyncGenerator<OutputFrame> {
    const instructions = codexInstructions(turn, await readMemory(turn.layout));
    const home = await prepareCodexHome(turn.layout, instructions);
    const file = await codexProgram(turn.env.PATH);
    const earlier = await sessionToResume(home, turn.sessionId);
    await rewindTo(earlier?.file, turn.resumeAt);
    const resumed = earlier === undefined ? undefined : ({ id: earlier.id, how: 'resume' } as const);
    const late = turn.wrapUp.aborted;

    const prompt = late ? `${turn.prompt}\n\n${WRAP_UP_PROMPT}` : turn.prompt;
    const program = { file, home, breakOff: late ? undefined : turn.wrapUp };
    let run = yield* this.#run(turn, { ...program, prompt, session: resumed });
    if (!late && turn.wrapUp.aborted && !run.completed && run.error === undefined && !turn.stop.aborted) {
      const session = run.sessionId === undefined ? resumed : ({ id: run.sessionId, how: 'resume' } as const);
      run = yield* this.#run(turn, { ...program, prompt: WRAP_UP_PROMPT, session, breakOff: undefined });
    }
    if (turn.stop.aborted) return;
    if (run.error !== undefined) throw codexFailure(run.error);
    const { sessionId, answer = '' } = run;
    if (sessionId === undefined) yield { status: 'success', result: answer };
    else {
      const known = sessionId === earlier?.id ? earlier.file : undefined;
      const resumeAt = await endOf(known ?? (await sessionFile(home, sessionId)));
      yield {
        status: 'success',
        result: answer,
        newSessionId: sessionId,
        ...(resumeAt === undefined ? {} : { resumeAt }),
      };
    }
  }

  async *#run(turn: AgentTurn, start: RunStart): AsyncGenerator<OutputFrame, Run> {
    const run = yield* this.#runOnce(turn, start);
    const { session } = start;
    if (session === undefined || run.sessionId !== undefined || !isOtherProvider(run.error)) return run;
    // As all sessions of an adopted installation. The provider's name stands in several lines of the record and in Codex's
    // own database, so nothing of it is rewritten: Codex makes a copy under ours, once.
    process.stderr.write('codex: the session is another provider’s, and goes on in a copy\n');
    return yield* this.#runOnce(turn, { ...start, session: { ...session, how: 'fork' } });
  }

  async *#runOnce(
    turn: AgentTurn,
    { file, home, prompt, session, breakOff }: RunStart,
  ): AsyncGenerator<OutputFrame, Run> {
    const key = codexKey(turn.env);
    const own = {
      CODEX_HOME: home,
      RUST_LOG: LOG_FILTER,
      ...(key === undefined ? {} : { [key.name]: key.value }),
    };
    const env = childEnvironment(turn, own);
    const program = new AgentProcess({
      file,
      args: codexArguments(turn, session),
      cwd: turn.layout.group,
      env,
    });
    const stop = () => void program.end();
    const signals = breakOff === undefined ? [turn.stop] : [turn.stop, breakOff];
    for (const signal of signals) signal.addEventListener('abort', stop, { once: true });
    if (signals.some(({ aborted }) => aborted)) stop();
    program.stdin.end(prompt);
    try {
      const run = yield* read(program);
      const { code, signal } = await program.ended;
      if (run.completed || signals.some(({ aborted }) => aborted)) return { ...run, error: undefined };
      return { ...run, error: run.error ?? (program.stderrTail || `Codex ended early (${signal ?? code})`) };
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', stop);
      await program.end();
    }
  }
}

interface RunStart {
  readonly file: string;
  readonly home: string;
  readonly prompt: string;
  readonly session: EarlierSession | undefined;
  /** Besides the turn's stop signal: what breaks the run off without being an error. */
  readonly breakOff: AbortSignal | undefined;
}

async function* read(program: AgentProcess): AsyncGenerator<OutputFrame, Run> {
  let sessionId: string | undefined;
  let answer: string | undefined;
  let completed = false;
  let error: string | undefined;
  let complaint: string | undefined;
  for await (const line of program.lines()) {
    const event = parseEvent(line);
    if (event?.type === 'thread.started') {
      sessionId = event.thread_id;
      yield { status: 'success', result: null, newSessionId: sessionId };
    } else if (event?.type === 'item.completed') {
      process.stderr.write(`codex: ${describeItem(event)}\n`);
      if (event.item.type === 'agent_message') answer = event.item.text;
    } else if (event?.type === 'turn.failed') {
      error = event.error.message;
    } else if (event?.type === 'error') {
      // Before another try as well as before the end: only the end tells which.
      process.stderr.write(`codex: ${event.message}\n`);
      complaint = event.message;
    } else if (event?.type === 'turn.completed') {
      completed = true;
    }
  }
  return { sessionId, answer, completed, error: completed ? undefined : (error ?? complaint) };
}
