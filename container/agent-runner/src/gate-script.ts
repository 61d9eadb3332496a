import { spawn } from 'node:child_process';
import * as z from 'zod';
import type { TurnInput } from '../../../src/protocol/turn.ts';
import { TurnFailure } from './failure.ts';

const SCRIPT_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

const Verdict = z.object({ wakeAgent: z.boolean(), data: z.unknown().optional() });

function scriptOutput(script: string, directory: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', script], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: SCRIPT_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_BYTES);
    });
    child.once('error', (error) => reject(new TurnFailure(`The task's script cannot run: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new TurnFailure(`The task's script ended with ${signal ?? `code ${code}`}`));
    });
  });
}

/**
 * Runs a task's gate script, whose last line of output says whether the agent is needed.
 * @returns the prompt for the agent; undefined when the script says that it is not needed
 * @throws TurnFailure when the script fails or its last line is no verdict
 */
export async function runGateScript(
  input: Pick<TurnInput, 'script' | 'prompt'>,
  directory: string,
): Promise<string | undefined> {
  if (input.script === undefined || input.script.trim() === '') return input.prompt;
  const lastLine = (await scriptOutput(input.script, directory)).trim().split('\n').at(-1) ?? '';
  let json: unknown;
  try {
    json = JSON.parse(lastLine);
  } catch (error) {
    throw new TurnFailure(`The task's script must end with a line of JSON: ${(error as Error).message}`);
  }
  const verdict = Verdict.safeParse(json);
  if (!verdict.success) {
    throw new TurnFailure('The last line of the task\'s script must be {"wakeAgent":true|false,"data":…}');
  }
  if (!verdict.data.wakeAgent) return undefined;
  if (verdict.data.data === undefined) return input.prompt;
  return `${input.prompt}\n\nData from the task's script:\n${JSON.stringify(verdict.data.data)}`;
}
