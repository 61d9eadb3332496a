import { expect, it } from 'vitest';
import { killUpgrades } from '../faults/upgrade/killed-upgrades.ts';
import type { OldRoot } from '../faults/upgrade/old-databases.ts';
import type { StepChoice } from '../support/killed-steps.ts';

/** In the middle of a migration: it has done its work, and is not committed. */
const lastOfTransaction: StepChoice = (_, index, steps) => steps[index + 1] === 'run COMMIT';

const versions = (first: number): readonly string[] =>
  [1, 2, 3, 4, 5].filter((version) => version >= first).map((version) => `pragma user_version = ${version}`);

/** With which steps its migrations end, at least. */
const MIGRATIONS = {
  'of NanoClaw v1': versions(1),
  // A JSON file each; its database is that of the case above.
  'of an early NanoClaw v1, with files': Array<string>(3).fill('run INSERT INTO router_state'),
  'with schema 1': versions(2),
  'with schema 2': versions(3),
  'with schema 3': versions(4),
  'with schema 4': versions(5),
  'with an account of the first program': ['pragma user_version = 4'],
} satisfies Record<OldRoot, readonly string[]>;

it.each(Object.entries(MIGRATIONS) as [OldRoot, readonly string[]][])(
  'the upgrade of a root %s that is killed in the middle of a migration has the same result as one that was not',
  async (kind, migrations) => {
    const { struck, differences } = await killUpgrades(kind, lastOfTransaction);
    expect(differences).toEqual([]);
    expect(struck).toEqual(expect.arrayContaining([...migrations]));
    expect(struck.length).toBeGreaterThanOrEqual(migrations.length);
  },
);
