import process from 'node:process';
import { CONTAINER_HOME, type Layout, layoutAt, WORKSPACE_ROOT } from '../../../src/protocol/layout.ts';
import { encodeFrame, type OutputFrame, type TurnInput } from '../../../src/protocol/turn.ts';
import { chooseProvider } from './choose-provider.ts';
import { readEnvDir } from './env-file.ts';
import { failureFrame } from './failure.ts';
import { Inbox } from './inbox.ts';
import { preloadProvider, providerNamed } from './providers/providers.ts';
import { reachModel } from './reach-model.ts';
import { runTurn } from './run-turn.ts';
import { Stages } from './stages.ts';
import { readTurnInput } from './turn-input.ts';
import { prepareWorkspace } from './workspace.ts';

/** How a process ends that was asked to by SIGTERM: 128 + 15. */
const EXIT_TERMINATED = 143;
/** After SIGTERM the agent's program has this long to end. */
const STOP_GRACE_MS = 2_000;

function emit(frame: OutputFrame): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(encodeFrame(frame), (error) => (error ? reject(error) : resolve()));
  });
}

/** One turn: JSON on stdin, frames on stdout, then the end. */
async function main(): Promise<number> {
  // Process 1 of a container ignores SIGTERM unless it handles it.
  const stopping = new AbortController();
  process.once('SIGTERM', () => {
    stopping.abort();
    setTimeout(() => process.exit(EXIT_TERMINATED), STOP_GRACE_MS);
  });
  const code = await answerTurn(stopping.signal);
  return stopping.signal.aborted ? EXIT_TERMINATED : code;
}

async function answerTurn(stop: AbortSignal): Promise<number> {
  const stages = new Stages();
  stages.mark('loaded');
  try {
    const layout = layoutAt(
      process.env.NANOCLAW_WORKSPACE ?? WORKSPACE_ROOT,
      process.env.HOME ?? CONTAINER_HOME,
    );
    // Side by side: most of what follows does not wait for the turn itself.
    const envDir = readEnvDir(layout.envDir);
    const reached = envDir.then((given) => reachModel({ ...process.env, ...given }));
    const preloaded = envDir.then((given) => preloadProvider(given.AGENT_PROVIDER));
    const [input, reachable] = await Promise.all([
      readTurnInput(process.stdin),
      reached,
      preloaded,
      prepareWorkspace(layout),
    ]);
    stages.mark('input');
    const env = { ...reachable, ...input.secrets };
    const provider = await providerNamed(chooseProvider(input, env));
    const prompt = await promptOf(input, layout, stop);
    if (prompt === undefined) {
      await emit({ status: 'success', result: null });
      return 0;
    }
    stages.mark('prepared');
    stages.tell(env);
    const inbox = new Inbox(layout.input, Number(env.IDLE_TIMEOUT ?? 0));
    return await runTurn({ input: { ...input, prompt }, layout, env, provider, inbox, emit, stop });
  } catch (error) {
    // What ended because it was told to is no failure of the turn's.
    if (!stop.aborted) await emit(failureFrame(error));
    return 1;
  }
}

/** The prompt for the agent; undefined when a task's script says that it is not needed. */
async function promptOf(input: TurnInput, layout: Layout, stop: AbortSignal): Promise<string | undefined> {
  if (input.script === undefined || input.script.trim() === '') return input.prompt;
  const { runGateScript } = await import('./gate-script.ts');
  return runGateScript(input, layout.group, { stop });
}

process.exit(await main());
