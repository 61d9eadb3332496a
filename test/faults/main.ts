import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import process from 'node:process';
import { PACKAGE_ROOT } from '../support/sandbox.ts';
import { readArguments, USAGE, UsageError } from './arguments.ts';
import { STRIKES, type Strike } from './calls/call-watch.ts';
import { CALL_WORLD, formatSeries, Series } from './calls/series.ts';
import { planRounds } from './plan.ts';
import type { PlantName } from './probe/plants.ts';
import { formatRound, formatTotals, formatViolation } from './report.ts';
import { type RoundResult, Rounds } from './rounds.ts';
import { Totals } from './totals.ts';
import { PLANT_NAMES, tryPlant } from './trials.ts';
import { World, type WorldOptions } from './world.ts';

/** `npm run test:faults`: hosts are killed at work, again and again, and what is left is judged. USAGE says how. */

const NOT_WELL = 1;
const WRONG_USAGE = 2;
const WORLD = { chats: 12, sandboxes: 5 };
/** After so many rounds comes a new world: old chats and logs cost time. */
const ROUNDS_PER_WORLD = 100;

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function tell(result: RoundResult): void {
  print(formatRound(result));
  for (const violation of result.violations) print(formatViolation(violation));
}

/** What a world with violations left is kept, for whoever wants to know why. */
async function inWorld(
  options: WorldOptions,
  work: (world: World) => Promise<{ readonly keep: boolean }>,
): Promise<void> {
  const world = await World.start(options);
  let keep = true;
  try {
    print(`Agents run in: ${world.host.sandbox}`);
    ({ keep } = await work(world));
  } finally {
    await world.close({ keep });
    if (keep) print(`What this world left is in ${world.directory}`);
  }
}

/** Ctrl-C ends a storm after the round under way, with the figures of those that were; a second one ends it at once. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  return interrupted.signal;
}

/** @returns whether all was well */
async function storm(rounds: number, seed: number, json: string | undefined): Promise<boolean> {
  const interrupted = interruption();
  const totals = new Totals();
  const startedAt = new Date().toISOString();
  const plans = planRounds(seed, rounds);
  for (let first = 0; first < plans.length && !interrupted.aborted; first += ROUNDS_PER_WORLD) {
    await inWorld({ ...WORLD, hasMinutely: true }, async (world) => {
      const series = new Rounds(world);
      const before = totals.violations.length;
      for (const plan of plans.slice(first, first + ROUNDS_PER_WORLD)) {
        if (interrupted.aborted) break;
        const result = await series.run(plan);
        totals.add(result);
        tell(result);
      }
      const minutely = await series.checkMinutely();
      totals.minutelySlots += minutely.slots;
      const late = [...(await series.checkAgain()), ...minutely.violations];
      totals.violations.push(...late);
      for (const violation of late) print(formatViolation(violation));
      return { keep: totals.violations.length > before };
    });
  }
  print(formatTotals(totals, seed));
  if (json !== undefined) {
    const { kills, figures, minutelySlots, violations, shares, found, medianRoundMs } = totals;
    const all = {
      startedAt,
      seed,
      rounds: totals.rounds,
      kills,
      medianRoundMs,
      figures,
      minutelySlots,
      shares,
      found,
      violations,
    };
    await writeFile(json, `${JSON.stringify(all, undefined, 2)}\n`);
  }
  return totals.violations.length === 0;
}

/** @returns whether the checker found the fault in every round */
async function tryRounds(plant: PlantName, rounds: number, seed: number): Promise<boolean> {
  let found = 0;
  await inWorld(WORLD, async (world) => {
    const series = new Rounds(world);
    for (let round = 1; round <= rounds; round += 1) {
      const { result, isFound } = await tryPlant(series, plant, round, seed);
      tell(result);
      found += isFound ? 1 : 0;
    }
    return { keep: false };
  });
  print(`Planted: ${plant}. Found in ${found} of ${rounds} rounds.`);
  return found === rounds;
}

/** @returns whether all was well */
async function strikeCalls(
  strike: Strike,
  first: number,
  every: number,
  json: string | undefined,
): Promise<boolean> {
  const series = new Series({ strike, first, every, signal: interruption(), print });
  while (!series.isOver) {
    await inWorld(CALL_WORLD, async (world) => {
      const before = series.violations.length;
      await series.goOn(world, ROUNDS_PER_WORLD);
      return { keep: series.violations.length > before };
    });
  }
  print(formatSeries(series));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(series.results, undefined, 2)}\n`);
  return series.violations.length === 0;
}

/** Runs the tests of this folder. @returns whether they passed */
function runTests(): boolean {
  const command = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'faults'];
  return spawnSync(process.execPath, command, { cwd: PACKAGE_ROOT, stdio: 'inherit' }).status === 0;
}

try {
  const known = { plants: PLANT_NAMES, strikes: STRIKES };
  const options = process.argv.slice(2);
  const { rounds, seed, plant, calls, first, every, json, help } = readArguments(options, known);
  if (help) print(USAGE);
  else if (options.length === 0) {
    if (!runTests()) process.exitCode = NOT_WELL;
  } else if (calls !== undefined) {
    if (!(await strikeCalls(calls, first, every, json))) process.exitCode = NOT_WELL;
  } else {
    const isWell = await (plant === undefined ? storm(rounds, seed, json) : tryRounds(plant, rounds, seed));
    if (!isWell) process.exitCode = NOT_WELL;
  }
} catch (error) {
  process.stderr.write(`${error instanceof UsageError ? error.message : (error as Error).stack}\n`);
  process.exitCode = error instanceof UsageError ? WRONG_USAGE : NOT_WELL;
}
