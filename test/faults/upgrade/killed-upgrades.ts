import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pathsAt } from '../../../src/paths.ts';
import { type Dump, dumpDatabase } from '../../support/database-dump.ts';
import { forEachStep, runStep, type StepChoice, type StepEnd, stepsOf } from '../../support/killed-steps.ts';
import { memoryDisk } from '../../support/memory-disk.ts';
import { testProgram } from '../../support/program.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { OLD_ROOTS, type OldRoot } from './old-databases.ts';
import { type UpgradeOrder, upgrade } from './upgrade.ts';

type Fault = Pick<UpgradeOrder, 'withoutTransactions'>;

/** A root of an earlier program. */
export class UpgradedRoot {
  readonly path: string;

  constructor(kind: OldRoot) {
    // A killed process loses nothing that is in memory, and syncs cost nothing there.
    this.path = join(temporaryDirectory(memoryDisk()), 'root');
    OLD_ROOTS[kind](this.path);
  }

  /** Upgrades it by a process of its own that dies before a step, 1 the first; 0: it does not. */
  upgrade(at: number, fault: Fault = {}): Promise<StepEnd> {
    return runStep(testProgram('upgrade'), { root: this.path, at, ...fault } satisfies UpgradeOrder);
  }

  /** Its databases, the copy of v1's among them. @throws Error when one is not sound */
  dump(): Readonly<Record<string, Dump>> {
    const { store } = pathsAt(this.path);
    const names = readdirSync(store).filter((name) => !/-(wal|shm)$/.test(name));
    return Object.fromEntries(names.map((name) => [name, dumpDatabase(join(store, name))]));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** What was found when upgrades of one kind of root were killed and repeated. */
export interface KilledUpgrades {
  /** Before which steps the processes were killed. */
  readonly struck: readonly string[];
  /** What is not as after an upgrade that was not killed. */
  readonly differences: readonly string[];
}

/** Kills upgrades, one before each of the chosen steps, and upgrades again. */
export async function killUpgrades(
  kind: OldRoot,
  isChosen: StepChoice,
  fault: Fault = {},
): Promise<KilledUpgrades> {
  const whole = new UpgradedRoot(kind);
  const steps = stepsOf(await whole.upgrade(0));
  const dump = whole.dump();
  if (kind.includes('v1'))
    expect(dump['messages.db.v1']).toEqual(new UpgradedRoot(kind).dump()['messages.db']);
  const differences: string[] = [];
  const struck = await forEachStep(steps, isChosen, async (step) => {
    const root = new UpgradedRoot(kind);
    const end = await root.upgrade(step, fault);
    const what = end.kind === 'killed' ? end.before : 'nothing';
    if (end.kind !== 'killed') differences.push(`step ${step}: it was not killed`);
    try {
      await upgrade(root.path);
      expect(root.dump()).toEqual(dump);
    } catch (error) {
      differences.push(`step ${step}, ${what}: ${(error as Error).message}`);
    }
    root.remove();
    return what;
  });
  return { struck, differences };
}
