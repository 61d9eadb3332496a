import { Database } from '../../../src/store/database.ts';
import type { KillOrder } from './orders.ts';
import { POINTS, type PointName, pointNamed } from './points.ts';
import { wrap } from './wrap.ts';

/** As `kill -9` from outside: nothing of this process runs any more. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Ends the process at the ordered call. One order at a time; a new one begins to count anew. */
export class Killer {
  #order: KillOrder | undefined;
  #calls = 0;
  /** Transactions under way: they are synchronous, so that no other work lies between. */
  #isInTransaction = false;
  #atCommit = false;

  /** Watches all points. To be called once, after whatever else changes the methods. */
  install(): void {
    wrap(Database.prototype, 'transaction', (original, args) => {
      if (this.#isInTransaction) return original(...args);
      this.#isInTransaction = true;
      try {
        const result = original(...args);
        if (this.#atCommit) die();
        return result;
      } finally {
        this.#isInTransaction = false;
        this.#atCommit = false;
      }
    });
    for (const name of Object.keys(POINTS) as PointName[]) this.#watch(name);
  }

  obey(order: KillOrder): void {
    this.#order = order;
    this.#calls = 0;
  }

  #watch(name: PointName): void {
    const { owner, method, counts } = pointNamed(name);
    wrap(owner, method, (original, args) => {
      const order = this.#isNow(name, counts === undefined || counts(args[0]));
      if (order === undefined) return original(...args);
      if (order.moment === 'before') die();
      const result = original(...args);
      if (result instanceof Promise) return result.finally(die);
      if (order.moment === 'after' && this.#isInTransaction) this.#atCommit = true;
      else die();
      return result;
    });
  }

  #isNow(name: PointName, counts: boolean): KillOrder | undefined {
    if (!counts || this.#order?.point !== name) return undefined;
    this.#calls += 1;
    return this.#calls === this.#order.nth ? this.#order : undefined;
  }
}
