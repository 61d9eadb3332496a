/** Figures of samples in any order. All throw when there are none: a figure from nothing is no figure. */

/**
 * The nearest-rank percentile.
 * @param percent over 0, up to 100
 */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('there are no samples');
  return value;
}

/** The middle sample, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('there are no samples');
  return (upper + lower) / 2;
}

export function largest(samples: readonly number[]): number {
  return percentile(samples, 100);
}
