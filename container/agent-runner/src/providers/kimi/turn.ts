import type { OutputFrame } from '../../../../../src/protocol/turn.ts';
import { readMemory } from '../memory.ts';
import { AgentProcess } from '../programs/agent-process.ts';
import { findProgram } from '../programs/find-program.ts';
import type { AgentTurn } from '../provider.ts';
import { kimiEnvironment } from './environment.ts';
import { requestFailure } from './failure.ts';
import { kimiHome, logSize } from './home.ts';

/** Answers a prompt by one process of `kimi acp`. @throws TurnFailure */
export async function* answerByKimi(turn: AgentTurn): AsyncGenerator<OutputFrame> {
  const home = await kimiHome(turn.layout);
  const env = kimiEnvironment(turn, home);
  const [file, logBegin] = await Promise.all([findProgram('kimi', turn.env.PATH), logSize(home)]);
  const program = new AgentProcess({ file, args: ['acp'], cwd: turn.layout.group, env });
  const stop = () => void program.end('SIGTERM');
  turn.stop.addEventListener('abort', stop, { once: true });
  if (turn.stop.aborted) stop();
  try {
    // Read and loaded while the program starts, which takes a second.
    const memory = readMemory(turn.layout);
    const { converse } = await import('./conversation.ts');
    yield* converse(turn, { program, home, logBegin, memory });
  } catch (error) {
    if (turn.stop.aborted) return;
    throw requestFailure(error);
  } finally {
    turn.stop.removeEventListener('abort', stop);
    await program.end('SIGTERM');
  }
}
