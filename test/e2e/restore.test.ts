import { expect, it } from 'vitest';
import { killRestores, type State } from '../faults/restore/killed-restores.ts';
import type { StepChoice } from '../support/killed-steps.ts';

const beforeRename: StepChoice = (step) => step === 'rename';
/** What a rename changed is there right before the next step. */
const afterRename: StepChoice = (_, index, steps) => steps[index - 1] === 'rename';

/** How many renames a restore does, at least. */
const RENAMES = { 'over an old state': 14, 'in an empty root': 7 } satisfies Record<State, number>;

const STATES = Object.entries(RENAMES) as [State, number][];

it.each(STATES)(
  'a restore %s that is killed right before a rename has happened or not, whole, and can be repeated',
  async (state, renames) => {
    const { struck, before, after } = await killRestores(state, beforeRename);
    expect(new Set(struck)).toEqual(new Set(['rename']));
    expect(struck.length).toBeGreaterThanOrEqual(renames);
    // The second makes it happen.
    expect(before).toBe(2);
    expect(after).toBe(struck.length - 2);
  },
);

it.each(STATES)(
  'a restore %s that is killed right after a rename has happened or not, whole, and can be repeated',
  async (state, renames) => {
    const { struck, before, after } = await killRestores(state, afterRename);
    expect(struck.length).toBeGreaterThanOrEqual(renames);
    expect(before).toBe(1);
    expect(after).toBe(struck.length - 1);
  },
);
