import { describe, expect, it } from 'vitest';
import { largest, median, percentile } from './statistics.ts';

describe('the figures of samples', () => {
  it('include the median, whatever the order of the samples', () => {
    expect(median([30, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('include percentiles that are samples themselves', () => {
    const oneToTwenty = Array.from({ length: 20 }, (_, index) => 20 - index);
    expect(percentile(oneToTwenty, 95)).toBe(19);
    expect(percentile(oneToTwenty, 50)).toBe(10);
    expect(percentile([5], 99)).toBe(5);
    expect(largest(oneToTwenty)).toBe(20);
  });

  it('are refused where there are no samples', () => {
    expect(() => median([])).toThrow('no samples');
    expect(() => percentile([], 50)).toThrow('no samples');
  });
});
