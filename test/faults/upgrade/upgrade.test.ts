import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pathsAt } from '../../../src/paths.ts';
import { inParts } from '../../support/killed-steps.ts';
import { killUpgrades, UpgradedRoot } from './killed-upgrades.ts';
import { OLD_ROOTS, type OldRoot } from './old-databases.ts';
import { upgrade } from './upgrade.ts';

describe('a root that is upgraded', () => {
  describe.each(inParts(2))('%s of its steps', (_, isChosen) => {
    it.each(Object.keys(OLD_ROOTS) as OldRoot[])(
      'the upgrade of a root %s that is killed at any of them has the same result as one that was not',
      async (kind) => {
        const { struck, differences } = await killUpgrades(kind, isChosen);
        expect(struck.length).toBeGreaterThan(5);
        expect(differences).toEqual([]);
      },
    );
  });

  it('the check of an upgrade finds migrations that are not transactions', async () => {
    const { differences } = await killUpgrades('with schema 2', () => true, { withoutTransactions: true });
    expect(differences.join('\n')).toMatch(/already exists|duplicate column/);
  });

  it('gets a whole copy of v1 after a kill in the middle of the copy', async () => {
    const whole = new UpgradedRoot('of NanoClaw v1');
    await upgrade(whole.path);
    const root = new UpgradedRoot('of NanoClaw v1');
    const copy = `${pathsAt(root.path).database}.v1`;
    for (const name of [`${copy}.tmp`, `${copy}.tmp-journal`]) writeFileSync(name, 'half of it');
    await upgrade(root.path);
    expect(root.dump()).toEqual(whole.dump());
    expect(existsSync(`${copy}.tmp`)).toBe(false);
  });
});
