import { spawn } from 'node:child_process';
import * as z from 'zod';
import { cutText, wellFormed } from '../../../src/protocol/graphemes.ts';
import type { TurnInput } from '../../../src/protocol/turn.ts';
import { TurnFailure } from './failure.ts';
import { signalGroup } from './signal-group.ts';

const SCRIPT_TIMEOUT_MS = 30_000;
/** Between the polite signal and the other. */
const KILL_AFTER_MS = 1_000;
/** What was written before the script's end is read within this time. */
const DRAIN_MS = 500;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/**
 * Characters of its findings in the prompt: with the longest prompt of a task they stay below the cap of a
 * chat's prompt.
 */
const MAX_DATA_LENGTH = 100_000;

const Verdict = z.object({ wakeAgent: z.boolean(), data: z.unknown().optional() });

export interface GateScriptLimits {
  /** Aborted when the runner is to end, and the script with it. */
  readonly stop: AbortSignal;
  readonly timeoutMs?: number;
}

/** The script's output; it leads a process group, and what it leaves running ends with it. @throws TurnFailure */
function scriptOutput(script: string, directory: string, limits: GateScriptLimits): Promise<string> {
  const { stop, timeoutMs = SCRIPT_TIMEOUT_MS } = limits;
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', script], {
      cwd: directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_BYTES);
    });
    let ended: string | undefined;
    let kill: NodeJS.Timeout | undefined;
    const end = (why: string) => {
      ended ??= why;
      signalGroup(child.pid, 'SIGTERM');
      kill ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
    };
    const onStop = () => end('was stopped');
    const deadline = setTimeout(
      () => end(`took longer than ${timeoutMs / 1_000} s, so it was ended`),
      timeoutMs,
    );
    let drained: NodeJS.Timeout | undefined;
    const settle = () => {
      for (const timer of [deadline, kill, drained]) clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      signalGroup(child.pid, 'SIGKILL');
    };
    child.once('error', (error) => {
      settle();
      reject(new TurnFailure(`The task's script cannot run: ${error.message}`));
    });
    child.once('exit', () => {
      clearTimeout(deadline);
      // What it left running may hold the pipe open for ever: the script's own end counts, not theirs.
      drained = setTimeout(() => child.stdout.destroy(), DRAIN_MS);
    });
    child.once('close', (code, signal) => {
      settle();
      if (ended === undefined && code === 0) resolve(output);
      else reject(new TurnFailure(`The task's script ${ended ?? `ended with ${signal ?? `code ${code}`}`}`));
    });
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
  });
}

/**
 * Runs a task's gate script, whose last line of output says whether the agent is needed.
 * @returns the prompt for the agent; undefined when the script says that it is not needed
 * @throws TurnFailure when the script fails or takes too long, or its last line is no verdict
 */
export async function runGateScript(
  input: Pick<TurnInput, 'script' | 'prompt'>,
  directory: string,
  limits: GateScriptLimits,
): Promise<string | undefined> {
  if (input.script === undefined || input.script.trim() === '') return input.prompt;
  const lastLine = (await scriptOutput(input.script, directory, limits)).trim().split('\n').at(-1) ?? '';
  let json: unknown;
  try {
    json = JSON.parse(lastLine, wellFormed);
  } catch {
    // The parser's own words quote a part of what it read, and that may be a part of a key.
    throw new TurnFailure("The task's script must end with a line of JSON; its last line is none");
  }
  const verdict = Verdict.safeParse(json);
  if (!verdict.success) {
    throw new TurnFailure('The last line of the task\'s script must be {"wakeAgent":true|false,"data":…}');
  }
  if (!verdict.data.wakeAgent) return undefined;
  if (verdict.data.data === undefined) return input.prompt;
  return `${input.prompt}\n\nData from the task's script:\n${cut(JSON.stringify(verdict.data.data))}`;
}

function cut(data: string): string {
  const kept = cutText(data, MAX_DATA_LENGTH);
  return kept === data ? data : `${kept}… [cut: ${data.length - kept.length} more characters]`;
}
