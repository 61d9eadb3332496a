import { answer } from './answer.ts';
import { readArguments, USAGE, UsageError } from './arguments.ts';
import type { Bench } from './bench.ts';
import { hostile } from './hostile.ts';
import { idle } from './idle.ts';
import { Interruption } from './interruption.ts';
import { largeStore } from './large-store.ts';
import { describeMachine } from './machine.ts';
import { mailbox } from './mailbox.ts';
import { complaints, formatMachine, formatResult } from './report.ts';
import { type BenchResult, runBench } from './run-bench.ts';
import { sandbox } from './sandbox.ts';
import { start } from './start.ts';
import { store } from './store.ts';

/** `npm run bench`: speed and memory, on this machine, with temporary files only. */

const BENCHES: readonly Bench[] = [answer, sandbox, start, store, largeStore, mailbox, hostile, idle];

const NOT_WELL = 1;
const WRONG_USAGE = 2;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

async function measure(names: readonly string[], json: boolean): Promise<readonly BenchResult[]> {
  const interruption = new Interruption();
  const startedAt = new Date().toISOString();
  const machine = await describeMachine();
  if (!json) print(formatMachine(machine));
  const results: BenchResult[] = [];
  for (const bench of BENCHES.filter(({ name }) => names.includes(name))) {
    if (interruption.signal.aborted) break;
    const result = await runBench(bench, interruption.signal);
    results.push(result);
    if (!json) print(formatResult(result));
  }
  interruption.end();
  if (json) print(JSON.stringify({ startedAt, machine, benches: results }, undefined, 2));
  interruption.signal.throwIfAborted();
  return results;
}

try {
  const { names, json, help } = readArguments(
    process.argv.slice(2),
    BENCHES.map(({ name }) => name),
  );
  if (help) print(USAGE);
  else {
    const problems = complaints(await measure(names, json));
    for (const problem of problems) complain(problem);
    if (problems.length > 0) process.exitCode = NOT_WELL;
  }
} catch (error) {
  complain((error as Error).message);
  process.exitCode = error instanceof UsageError ? WRONG_USAGE : NOT_WELL;
}
