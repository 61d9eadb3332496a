import type { Database } from 'better-sqlite3';
import { MINUTE } from '../../src/clock.ts';
import type { Breach } from './checker.ts';
import { hasEnded, runsOf, type SlotRun } from './evidence.ts';

/** A task that is due at each full minute for as long as its world lasts, whoever is killed meanwhile. */
export const MINUTELY = {
  type: 'schedule_task',
  prompt: 'script MINUTELY',
  schedule_type: 'cron',
  schedule_value: '* * * * *',
} as const;

export interface MinutelyVerdict {
  /** How many of its slots fired. */
  readonly slots: number;
  readonly breaches: readonly { readonly breach: Breach; readonly detail: string }[];
}

/** All runs of the task; undefined where there is no such task. */
export function minutelyRuns(database: Database): readonly SlotRun[] | undefined {
  const id = database
    .prepare<[string], string>('SELECT id FROM scheduled_tasks WHERE prompt = ?')
    .pluck()
    .get(MINUTELY.prompt);
  return id === undefined ? undefined : runsOf(database, String(id));
}

/**
 * Every minute has its slot, which left effects once. No slot is missed: a host is never away for a minute here.
 * @param runs when nothing is under way
 */
export function judgeMinutely(runs: readonly SlotRun[]): MinutelyVerdict {
  const bySlot = new Map<string, SlotRun[]>();
  for (const run of runs) bySlot.set(run.slot, [...(bySlot.get(run.slot) ?? []), run]);
  const breaches: { breach: Breach; detail: string }[] = [];
  let last: string | undefined;
  for (const [slot, tries] of [...bySlot].sort(([one], [other]) => one.localeCompare(other))) {
    if (tries.filter(({ hasEffects }) => hasEffects).length > 1)
      breaches.push({ breach: 'a slot fired twice', detail: JSON.stringify(tries) });
    if (!hasEnded(tries)) breaches.push({ breach: 'a slot has no end state', detail: JSON.stringify(tries) });
    if (last !== undefined && Date.parse(slot) - Date.parse(last) !== MINUTE)
      breaches.push({ breach: 'a slot never came', detail: `between ${last} and ${slot}` });
    last = slot;
  }
  return { slots: bySlot.size, breaches };
}
