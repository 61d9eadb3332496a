import type { Cleanup } from './support/cleanup.ts';

export type Unit = 'ms' | '×' | 'commits/s' | 'rows/s' | 'writes/s' | 'files/s' | 'files' | 's/min' | 'MiB';

/** One figure of a bench. */
export interface Row {
  readonly label: string;
  readonly value: number;
  readonly unit: Unit;
  /** How many samples, pairs or rounds the figure was taken from. */
  readonly n: number;
  /** The greatest value that is well, in the same unit; absent: the figure is only to be read. */
  readonly limit?: number;
}

export function isOverLimit({ value, limit }: Row): boolean {
  return limit !== undefined && value > limit;
}

export interface BenchContext {
  /** Takes back what the bench starts and makes, however it ends. */
  readonly cleanup: Cleanup;
  /** Aborted when the run is interrupted or the bench takes too long: to be looked at between rounds. */
  readonly signal: AbortSignal;
  /** Something that the reader of the figures must know. */
  note(text: string): void;
}

/** Something that is measured: a name to choose it by, what it shows, and the measurement. */
export interface Bench {
  readonly name: string;
  readonly shows: string;
  /** Milliseconds after which it is broken off. */
  readonly limitMs: number;
  /**
   * @throws CannotMeasure when this machine lacks what it needs
   */
  run(context: BenchContext): Promise<readonly Row[]>;
}

/** This machine lacks something that a bench needs; the text says what and how to get it. */
export class CannotMeasure extends Error {
  override readonly name = 'CannotMeasure';
}
