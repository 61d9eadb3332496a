import { describe, expect, it } from 'vitest';
import { complaints, formatResult, formatValue } from './report.ts';
import type { BenchResult } from './run-bench.ts';

const measured: BenchResult = {
  name: 'some',
  shows: 'how long something takes, '.repeat(8),
  outcome: 'measured',
  rows: [
    { label: 'short', value: 12.345, unit: 'ms', n: 20 },
    { label: 'long '.repeat(40), value: 1_234_567.8, unit: 'commits/s', n: 100_000 },
  ],
  overLimit: [],
  notes: ['a note that goes on and on '.repeat(10)],
  seconds: 3.4,
};

describe('the table', () => {
  it('fits 100 columns, however long its texts are', () => {
    for (const line of formatResult(measured).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('shows value, unit and the number of samples in a line', () => {
    expect(formatResult(measured)).toMatch(/^ {2}short +12\.3 ms +n=20$/m);
  });

  it('says why there are no figures', () => {
    const result: BenchResult = { ...measured, outcome: 'left out', reason: 'install it', rows: [] };
    expect(formatResult(result)).toContain('left out: install it');
    expect(complaints([measured, result])).toEqual(['some was left out: install it']);
    expect(complaints([{ ...result, outcome: 'failed' }])).toEqual(['some was not measured: install it']);
    expect(complaints([measured])).toEqual([]);
  });

  it('shows the verdict where a figure has a limit, and marks only those over it', () => {
    const rows = [
      { label: 'added by a', value: 100, unit: 'ms', n: 20, limit: 100 },
      { label: 'added by b', value: 100.6, unit: 'ms', n: 20, limit: 100 },
    ] as const;
    const table = formatResult({ ...measured, rows });
    expect(table).toMatch(/added by a .*\n {4}limit 100 ms: kept\n/);
    expect(table).toMatch(/added by b .*\n {4}limit 100 ms: EXCEEDED\n/);
    expect(complaints([{ ...measured, rows }])).toEqual([
      'some: added by b is 101 ms, over its limit of 100 ms',
    ]);
  });

  it('rounds figures to the digits that matter', () => {
    expect(formatValue(0.012345)).toBe('0.0123');
    expect(formatValue(4_321.9)).toBe('4,322');
    expect(formatValue(0)).toBe('0.00');
  });
});
