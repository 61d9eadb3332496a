import { describe, expect, it } from 'vitest';
import { inParts } from '../../support/killed-steps.ts';
import { killRestores, STATES, type State } from './killed-restores.ts';

describe.each(inParts(3))('%s of the steps of a restore', (_, isChosen) => {
  it.each(Object.keys(STATES) as State[])(
    'a restore %s that is killed at any of them has happened or not, whole, and can be repeated',
    async (state) => {
      const { struck, before, after } = await killRestores(state, isChosen);
      expect(struck.length).toBeGreaterThan(20);
      expect(Math.min(before, after)).toBeGreaterThan(3);
    },
  );
});
