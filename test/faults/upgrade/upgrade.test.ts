import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathsAt } from '../../../src/paths.ts';
import { type Dump, dumpDatabase } from '../../support/database-dump.ts';
import { forEachStep, runStep, type StepEnd } from '../../support/killed-steps.ts';
import { compile } from '../../support/program.ts';
import { OLD_ROOTS, type OldRoot } from './old-databases.ts';
import { type UpgradeOrder, upgrade } from './upgrade.ts';

const TIMEOUT_MS = 300_000;

let directory: string;
let programs: string;
let program: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nanoclaw-test-'));
  programs = await compile({ upgrade: 'test/faults/upgrade/main.ts' });
  program = join(programs, 'upgrade.mjs');
}, TIMEOUT_MS);

afterAll(async () => {
  for (const path of [directory, programs]) await rm(path, { recursive: true, force: true });
});

interface Root {
  /** Upgrades it by a process of its own that dies before a step; 0: it does not. */
  readonly killedAt: (at: number, fault?: Pick<UpgradeOrder, 'withoutTransactions'>) => Promise<StepEnd>;
  /** Its databases, the copy of v1's among them. @throws when one is not sound */
  readonly dump: () => Readonly<Record<string, Dump>>;
  readonly remove: () => void;
  readonly path: string;
}

let roots = 0;

function rootOf(kind: OldRoot): Root {
  roots += 1;
  const path = join(directory, `root-${roots}`);
  OLD_ROOTS[kind](path);
  const { store } = pathsAt(path);
  return {
    path,
    killedAt: (at, fault = {}) =>
      runStep(program, [JSON.stringify({ root: path, at, ...fault } satisfies UpgradeOrder)]),
    dump: () =>
      Object.fromEntries(
        readdirSync(store)
          .filter((name) => !/-(wal|shm)$/.test(name))
          .map((name) => [name, dumpDatabase(join(store, name))]),
      ),
    remove: () => rmSync(path, { recursive: true }),
  };
}

/** What an upgrade makes that nobody kills, and in how many steps. */
async function wholeUpgrade(kind: OldRoot): Promise<{ steps: number; dump: ReturnType<Root['dump']> }> {
  const root = rootOf(kind);
  const end = await root.killedAt(0);
  return { steps: end.kind === 'done' ? Number(end.said) : 0, dump: root.dump() };
}

/** Kills upgrades, one at each step, and upgrades again. @returns what is not as if nothing had been killed */
async function differences(
  kind: OldRoot,
  fault: Pick<UpgradeOrder, 'withoutTransactions'> = {},
): Promise<readonly string[]> {
  const whole = await wholeUpgrade(kind);
  const found: string[] = [];
  await forEachStep(whole.steps, async (step) => {
    const root = rootOf(kind);
    const { kind: end } = await root.killedAt(step, fault);
    if (end !== 'killed') found.push(`step ${step}: it was not killed`);
    try {
      await upgrade(root.path);
      expect(root.dump()).toEqual(whole.dump);
    } catch (error) {
      found.push(`step ${step}: ${(error as Error).message}`);
    }
    root.remove();
  });
  return found;
}

describe('a root that is upgraded', () => {
  it.each(Object.keys(OLD_ROOTS) as OldRoot[])(
    'the upgrade of a root %s that is killed at any step has the same result as one that was not',
    async (kind) => {
      const before = rootOf(kind).dump();
      const { steps, dump } = await wholeUpgrade(kind);
      expect(steps).toBeGreaterThan(10);
      expect(await differences(kind)).toEqual([]);
      if (kind.includes('v1')) expect(dump['messages.db.v1']).toEqual(before['messages.db']);
    },
    TIMEOUT_MS,
  );

  it(
    'the check of an upgrade finds migrations that are not transactions',
    async () => {
      const found = await differences('with schema 2', { withoutTransactions: true });
      expect(found.join('\n')).toMatch(/already exists|duplicate column/);
    },
    TIMEOUT_MS,
  );

  it(
    'gets a whole copy of v1 after a kill in the middle of the copy',
    async () => {
      const kind = 'of NanoClaw v1';
      const { dump } = await wholeUpgrade(kind);
      const root = rootOf(kind);
      const copy = `${pathsAt(root.path).database}.v1`;
      for (const name of [`${copy}.tmp`, `${copy}.tmp-journal`]) writeFileSync(name, 'half of it');
      await upgrade(root.path);
      expect(root.dump()).toEqual(dump);
      expect(existsSync(`${copy}.tmp`)).toBe(false);
    },
    TIMEOUT_MS,
  );
});
