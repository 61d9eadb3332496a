import { expect, it } from 'vitest';
import { killRestores, type State } from '../faults/restore/killed-restores.ts';
import type { StepChoice } from '../support/killed-steps.ts';

/** What a rename changed is there right before the next step. */
const aroundRenames: StepChoice = (step, index, steps) => step === 'rename' || steps[index - 1] === 'rename';

/** How many renames it does, at least. */
const RENAMES = { 'over an old state': 14, 'in an empty root': 7 } satisfies Record<State, number>;

it.each(Object.entries(RENAMES) as [State, number][])(
  'a restore %s that is killed right before or after a rename has happened or not, whole, and can be repeated',
  async (state, renames) => {
    const { struck, before, after } = await killRestores(state, aroundRenames);
    expect(struck.filter((step) => step === 'rename').length).toBeGreaterThanOrEqual(renames);
    expect(before).toBeGreaterThan(0);
    expect(after).toBeGreaterThan(0);
  },
);
