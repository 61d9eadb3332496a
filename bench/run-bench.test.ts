import { describe, expect, it } from 'vitest';
import { type Bench, CannotMeasure } from './bench.ts';
import { runBench } from './run-bench.ts';

const never = new AbortController().signal;

function bench(run: Bench['run'], limitMs = 10_000): Bench {
  return { name: 'some', shows: 'something', limitMs, run };
}

describe('a bench', () => {
  it('returns its figures and notes, and its cleanups run in reverse order', async () => {
    const steps: string[] = [];
    const result = await runBench(
      bench(async ({ cleanup, note }) => {
        cleanup.add(() => void steps.push('first'));
        cleanup.add(() => void steps.push('second'));
        note('quiet machine');
        return [{ label: 'a', value: 1, unit: 'ms', n: 3 }];
      }),
      never,
    );
    expect(result).toMatchObject({ outcome: 'measured', notes: ['quiet machine'], rows: [{ value: 1 }] });
    expect(steps).toEqual(['second', 'first']);
  });

  it('names the figures over their limit', async () => {
    const row = { unit: 'ms', n: 3, limit: 100 } as const;
    const rows = [
      { label: 'fast', value: 99, ...row },
      { label: 'slow', value: 101, ...row },
    ];
    expect(
      (
        await runBench(
          bench(async () => rows),
          never,
        )
      ).overLimit,
    ).toEqual(['slow']);
  });

  it('is skipped with the reason when the machine lacks something', async () => {
    const result = await runBench(
      bench(() => Promise.reject(new CannotMeasure('install it'))),
      never,
    );
    expect(result).toMatchObject({ outcome: 'left out', reason: 'install it', rows: [] });
  });

  it('is cleaned up although it fails', async () => {
    let cleaned = false;
    const result = await runBench(
      bench(async ({ cleanup }) => {
        cleanup.add(() => {
          cleaned = true;
        });
        throw new Error('broken');
      }),
      never,
    );
    expect(result).toMatchObject({ outcome: 'failed', reason: 'broken' });
    expect(cleaned).toBe(true);
  });

  it('is aborted, reported and cleaned up when it takes too long', async () => {
    let told = false;
    let cleaned = false;
    const result = await runBench(
      bench(async ({ cleanup, signal }) => {
        cleanup.add(() => {
          cleaned = told;
        });
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            told = true;
            reject(signal.reason);
          });
        });
        return [];
      }, 10),
      never,
    );
    expect(result.outcome).toBe('failed');
    expect(result.reason).toMatch(/broken off/);
    expect(cleaned).toBe(true);
  });

  it('is aborted when the run is interrupted', async () => {
    const interruption = new AbortController();
    const running = runBench(
      bench(
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ),
      interruption.signal,
    );
    interruption.abort(new Error('Interrupted'));
    expect(await running).toMatchObject({ outcome: 'failed', reason: 'Interrupted' });
  });

  it('fails when it leaves something behind, and its other resources are still released', async () => {
    let cleaned = false;
    const result = await runBench(
      bench(async ({ cleanup }) => {
        cleanup.add(() => {
          cleaned = true;
        });
        cleanup.add(() => Promise.reject(new Error('it is busy')));
        return [];
      }),
      never,
    );
    expect(result).toMatchObject({ outcome: 'failed', reason: 'Not cleaned up: it is busy' });
    expect(cleaned).toBe(true);
  });
});
