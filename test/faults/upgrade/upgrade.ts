import { existsSync } from 'node:fs';
import process from 'node:process';
import BetterSqlite3 from 'better-sqlite3';
import { pathsAt } from '../../../src/paths.ts';
import { Database } from '../../../src/store/database.ts';
import { StepKiller } from '../../support/step-killer.ts';

/** What a child process is told, as JSON. */
export interface UpgradeOrder {
  readonly root: string;
  /** Before which step to die; 0: not at all. */
  readonly at: number;
  /** A fault of the program itself: each statement of a migration is committed by itself. */
  readonly withoutTransactions?: boolean;
}

/**
 * Brings a root's databases up to date as a start does. What only some of it needs is loaded for that alone: it takes a while.
 * @param begun called when what is loaded has been
 */
export async function upgrade(root: string, begun: () => void = () => undefined): Promise<void> {
  const paths = pathsAt(root);
  if (existsSync(paths.whatsappDatabase)) {
    const { openCredentialsDatabase } = await import('../../../src/channel/whatsapp/credentials-database.ts');
    begun();
    openCredentialsDatabase(paths.whatsappDatabase).close();
  } else if (existsSync(paths.data)) {
    const { openStore } = await import('../../../src/store/store.ts');
    const { adoptV1Files } = await import('../../../src/operations/adopt-v1-files.ts');
    const { silentLog } = await import('../../support/silent-log.ts');
    const store = openStore(paths.database);
    begun();
    await adoptV1Files(store, paths, silentLog, 0);
    store.close();
  } else {
    begun();
    Database.open(paths.database).close();
  }
}

function takeTransactionsAway(): void {
  BetterSqlite3.prototype.transaction = ((work: (...values: unknown[]) => unknown) =>
    Object.assign(work, {
      immediate: work,
      deferred: work,
      exclusive: work,
      default: work,
    })) as typeof BetterSqlite3.prototype.transaction;
}

/** Run as a program: upgrades, and prints the steps as JSON. */
export async function main(argument: string): Promise<void> {
  const { root, at, withoutTransactions } = JSON.parse(argument) as UpgradeOrder;
  const killer = new StepKiller(at);
  if (withoutTransactions) takeTransactionsAway();
  await upgrade(root, () => killer.from());
  process.stdout.write(JSON.stringify(killer.steps));
}
