import process from 'node:process';
import { CONTAINER_HOME, layoutAt, WORKSPACE_ROOT } from '../../../src/protocol/layout.ts';
import { prepareAhead } from './ahead.ts';
import { Stages } from './stages.ts';

/** How a process ends that was asked to by SIGTERM: 128 + 15. */
const EXIT_TERMINATED = 143;
/** After SIGTERM the agent's program has this long to end. */
const STOP_GRACE_MS = 2_000;

/** One turn: JSON on stdin, frames on stdout, then the end. */
async function main(): Promise<number> {
  const stages = new Stages();
  stages.mark('loaded');
  // Process 1 of a container ignores SIGTERM unless it handles it.
  const stopping = new AbortController();
  process.once('SIGTERM', () => {
    stopping.abort();
    setTimeout(() => process.exit(EXIT_TERMINATED), STOP_GRACE_MS);
  });
  const layout = layoutAt(
    process.env.NANOCLAW_WORKSPACE ?? WORKSPACE_ROOT,
    process.env.HOME ?? CONTAINER_HOME,
  );
  const ahead = prepareAhead(layout, stopping.signal);
  await ahead.catch(() => undefined);
  // Larger than all that comes before: the agent's program starts beside it.
  const { answerTurn } = await import('./answer-turn.ts');
  const code = await answerTurn(layout, ahead, stages, stopping.signal);
  return stopping.signal.aborted ? EXIT_TERMINATED : code;
}

process.exit(await main());
