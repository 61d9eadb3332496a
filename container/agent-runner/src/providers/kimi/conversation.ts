import type { OutputFrame } from '../../../../../src/protocol/turn.ts';
import { toolServer } from '../../tools/tool-server.ts';
import type { Memory } from '../memory.ts';
import { WRAP_UP_PROMPT } from '../programs/wrap-up.ts';
import type { AgentTurn } from '../provider.ts';
import { Answer } from './answer.ts';
import { Briefing, kimiBriefing } from './briefing.ts';
import { KimiClient } from './client.ts';
import { KEY_VARIABLE } from './environment.ts';
import { loadFailure } from './failure.ts';
import type { KimiProgram } from './kimi-program.ts';
import { ServerLog } from './server-log.ts';
import { TurnRecord } from './turn-record.ts';

/** Tools run without anybody being asked. */
const MODE = 'auto';

/** One prompt and its answer with a program that was started. @throws TurnFailure and the protocol's errors */
export async function* converse(
  turn: AgentTurn,
  { process: program, home, logBegin }: KimiProgram,
  memory: Memory,
): AsyncGenerator<OutputFrame> {
  const servers = new ServerLog(home, logBegin);
  let answer = new Answer();
  const client = new KimiClient(program, (update) => {
    const note = answer.add(update);
    if (note !== undefined) process.stderr.write(`kimi: ${note}\n`);
  });
  const briefing = new Briefing(home, kimiBriefing(turn, memory));
  const resumed = turn.sessionId === undefined ? undefined : new TurnRecord(home, turn.sessionId);
  await resumed?.rewindTo(turn.resumeAt);
  const [sessionId, prompt] = await Promise.all([
    openSession(client, turn),
    briefing.withPrompt(turn.prompt, turn.sessionId),
  ]);
  yield { status: 'success', result: null, newSessionId: sessionId };
  const record = resumed ?? new TurnRecord(home, sessionId);
  await Promise.all([
    client.request(client.methods.session.setMode, { sessionId, modeId: MODE }),
    record.mark(),
  ]);
  // What a loaded session replayed is none of the answer.
  answer = new Answer();
  const late = turn.wrapUp.aborted;
  const brokenOff = await ask(
    client,
    sessionId,
    late ? `${prompt}\n\n${WRAP_UP_PROMPT}` : prompt,
    turn.wrapUp,
  );
  if (brokenOff && !late) {
    answer = new Answer();
    await ask(client, sessionId, WRAP_UP_PROMPT);
  }
  // The program writes down how the turn ended when its session is closed.
  await client.request(client.methods.session.close, { sessionId });
  await servers.check();
  const failure = await record.failure();
  if (failure !== undefined) throw failure;
  await briefing.told(sessionId, !answer.compacted);
  const result = await record.withoutCutText(answer.text);
  const resumeAt = await record.end();
  yield {
    status: 'success',
    result,
    newSessionId: sessionId,
    ...(resumeAt === undefined ? {} : { resumeAt }),
  };
}

/** @returns the session's id. @throws TurnFailure (session_lost) when the one to resume is gone */
async function openSession(client: KimiClient, turn: AgentTurn): Promise<string> {
  const { name, command, args, env } = toolServer(turn);
  // Kimi starts it with its own environment besides: what is a key there is nothing here.
  const variables = Object.entries({ ...env, [KEY_VARIABLE]: '' }).map(([variable, value]) => ({
    name: variable,
    value,
  }));
  const place = {
    cwd: turn.layout.group,
    mcpServers: [{ name, command, args: [...args], env: variables }],
  };
  await client.initialize();
  if (turn.sessionId === undefined) {
    return (await client.request(client.methods.session.new, place)).sessionId;
  }
  const { sessionId } = turn;
  try {
    await client.request(client.methods.session.load, { ...place, sessionId });
  } catch (error) {
    throw loadFailure(error);
  }
  return sessionId;
}

/** Asks, and waits for the end of the turn. @returns whether it was broken off because the signal aborted */
async function ask(
  client: KimiClient,
  sessionId: string,
  text: string,
  breakOff?: AbortSignal,
): Promise<boolean> {
  const cancel = () => void client.cancel(sessionId).catch(reportOnStderr);
  if (breakOff?.aborted === false) breakOff.addEventListener('abort', cancel, { once: true });
  try {
    const prompt = [{ type: 'text' as const, text }];
    const { stopReason } = await client.request(client.methods.session.prompt, { sessionId, prompt });
    return stopReason === 'cancelled';
  } finally {
    breakOff?.removeEventListener('abort', cancel);
  }
}

function reportOnStderr(error: unknown): void {
  process.stderr.write(`kimi: ${error instanceof Error ? error.message : String(error)}\n`);
}
