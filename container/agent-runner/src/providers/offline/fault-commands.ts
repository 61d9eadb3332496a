import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { FRAME_START } from '../../../../../src/protocol/turn.ts';
import type { AgentTurn } from '../provider.ts';

const CRASHED = 70;
const MEGABYTE = 1024 * 1024;

async function flood(megabytes: number, end = ''): Promise<void> {
  const chunk = Buffer.from(
    'x'
      .repeat(1023)
      .concat(end === '' ? 'x' : end)
      .repeat(MEGABYTE / 1024),
  );
  for (let written = 0; written < megabytes; written += 1) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
  process.stdout.write('\n');
}

async function floodFrame(megabytes: number): Promise<void> {
  process.stdout.write(`${FRAME_START}\n`);
  await flood(megabytes);
}

async function leaveFrameOpen(): Promise<void> {
  process.stdout.write(`${FRAME_START}\n{"status":"succ`);
  process.exit(0);
}

async function saySecrets(_: string, env: AgentTurn['env']): Promise<void> {
  const all = `${JSON.stringify(env)}\n${await readFile('/proc/self/environ', 'utf8')}\n`;
  process.stdout.write(all);
  process.stderr.write(all);
}

/** Never settles, and keeps the process alive. */
function forever(): Promise<never> {
  return new Promise(() => {
    setInterval(() => undefined, 60_000);
  });
}

function ignoreSigtermForever(): Promise<never> {
  process.removeAllListeners('SIGTERM');
  process.on('SIGTERM', () => process.stderr.write('SIGTERM ignored\n'));
  return forever();
}

type Fault = (argument: string, env: AgentTurn['env']) => Promise<void>;

/** What each of them is called. A number is in megabytes. */
const FAULTS: readonly (readonly [RegExp, Fault])[] = [
  [/^crash$/i, async () => process.exit(CRASHED)],
  [/^vanish$/i, async () => process.exit(0)],
  [/^hang$/i, forever],
  [/^hang on$/i, ignoreSigtermForever],
  [/^flood (\d{1,4})$/i, (megabytes) => flood(Number(megabytes))],
  [/^flood lines (\d{1,4})$/i, (megabytes) => flood(Number(megabytes), '\n')],
  [/^flood frame (\d{1,4})$/i, (megabytes) => floodFrame(Number(megabytes))],
  [/^leave a frame open$/i, leaveFrameOpen],
  [/^say secrets$/i, saySecrets],
];

/**
 * Ways in which an agent can misbehave, for tests of the host. They are there only with NANOCLAW_OFFLINE_FAULTS=1, so
 * that nobody in a chat can make the agent look broken.
 * @returns false when the request is no fault; else whatever the fault leaves undone
 */
export async function misbehave(request: string, env: AgentTurn['env']): Promise<boolean> {
  if (env.NANOCLAW_OFFLINE_FAULTS !== '1') return false;
  for (const [pattern, fault] of FAULTS) {
    const match = pattern.exec(request);
    if (match === null) continue;
    await fault(match[1] ?? '1', env);
    return true;
  }
  return false;
}
