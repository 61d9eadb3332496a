import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, CannotMeasure, isOverLimit, type Row } from './bench.ts';
import { Cleanup } from './support/cleanup.ts';

/** What became of a bench. */
export interface BenchResult {
  readonly name: string;
  readonly shows: string;
  readonly outcome: 'measured' | 'left out' | 'failed';
  /** Why it was not measured. */
  readonly reason?: string;
  readonly rows: readonly Row[];
  /** The labels of the rows over their limit. */
  readonly overLimit: readonly string[];
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** A bench that is broken off may end by itself for this long, before what it uses is taken away. */
const END_GRACE_MS = 3_000;

/** Runs a bench within its time and takes everything back that it made. Never rejects. */
export async function runBench(bench: Bench, interruption: AbortSignal): Promise<BenchResult> {
  const { name, shows, limitMs } = bench;
  const notes: string[] = [];
  const cleanup = new Cleanup();
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new Error(`It was broken off after ${limitMs / 1_000} seconds`));
  }, limitMs);
  const signal = AbortSignal.any([interruption, limit.signal]);
  const startedAt = performance.now();

  let rows: readonly Row[] = [];
  let problem: Pick<BenchResult, 'outcome' | 'reason'> = { outcome: 'measured' };
  const running = bench.run({ cleanup, signal, note: (text) => void notes.push(text) });
  try {
    rows = await Promise.race([running, rejectedBy(signal)]);
  } catch (error) {
    const outcome = error instanceof CannotMeasure ? 'left out' : 'failed';
    problem = { outcome, reason: (error as Error).message };
  }
  clearTimeout(timer);
  if (signal.aborted) await Promise.race([Promise.allSettled([running]), delay(END_GRACE_MS)]);
  const errors = await cleanup.run();
  if (errors.length > 0) {
    const reasons = [problem.reason, ...errors.map(({ message }) => `Not cleaned up: ${message}`)];
    problem = { outcome: 'failed', reason: reasons.filter((reason) => reason !== undefined).join('. ') };
  }
  const overLimit = rows.filter(isOverLimit).map(({ label }) => label);
  return {
    name,
    shows,
    ...problem,
    rows,
    overLimit,
    notes,
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
