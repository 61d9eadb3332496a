import type { Layout } from '../../../src/protocol/layout.ts';
import { encodeFrame, type OutputFrame, type TurnInput } from '../../../src/protocol/turn.ts';
import type { Ahead } from './ahead.ts';
import { chooseProvider } from './choose-provider.ts';
import { failureFrame } from './failure.ts';
import { Inbox } from './inbox.ts';
import { providerNamed } from './providers/providers.ts';
import { runTurn } from './run-turn.ts';
import type { Stages } from './stages.ts';
import { readTurnInput } from './turn-input.ts';
import { prepareWorkspace } from './workspace.ts';

function emit(frame: OutputFrame): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(encodeFrame(frame), (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Answers the turn on stdin in frames on stdout; what went wrong is a frame too.
 * @returns the process's exit code
 */
export async function answerTurn(
  layout: Layout,
  ahead: Promise<Ahead>,
  stages: Stages,
  stop: AbortSignal,
): Promise<number> {
  try {
    const [input, ready] = await Promise.all([readTurnInput(process.stdin), ahead, prepareWorkspace(layout)]);
    stages.mark('input');
    const env = { ...ready.env, ...input.secrets };
    const name = chooseProvider(input, env);
    const provider = ready.provider?.name === name ? ready.provider : await providerNamed(name);
    const prompt = await promptOf(input, layout, ready, stop);
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
  } finally {
    const ready = await ahead.catch(() => undefined);
    await ready?.provider?.dropAhead?.();
  }
}

/** The prompt for the agent; undefined when a task's script says that it is not needed. */
async function promptOf(
  input: TurnInput,
  layout: Layout,
  { provider }: Ahead,
  stop: AbortSignal,
): Promise<string | undefined> {
  if (input.script === undefined || input.script.trim() === '') return input.prompt;
  // A script is there to spare the agent: none starts beside it.
  await provider?.dropAhead?.();
  const { runGateScript } = await import('./gate-script.ts');
  return runGateScript(input, layout.group, { stop });
}
