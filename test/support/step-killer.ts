import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import BetterSqlite3 from 'better-sqlite3';

/**
 * Ends its process by SIGKILL right before the n-th step: a statement that may change a database, or a call that may change a file. Steps
 * are counted from `from` on. To be loaded into a child process before what it does.
 */
export class StepKiller {
  readonly #at: number;
  #steps = 0;
  #counts = false;

  /** @param at before which step to end, 1 the first; 0: not at all */
  constructor(at: number) {
    this.#at = at;
    for (const method of FS_CALLS) this.#watch(fs, method);
    for (const method of PROMISED_CALLS) this.#watch(fs.promises, method);
    syncBuiltinESMExports();
    const probe = new BetterSqlite3(':memory:');
    const statement = Object.getPrototypeOf(probe.prepare('SELECT 1')) as object;
    this.#watch(statement, 'run');
    probe.close();
    for (const method of ['pragma', 'backup']) this.#watch(BetterSqlite3.prototype, method);
    this.#splitScripts();
  }

  /** From here on steps count. */
  from(): void {
    this.#counts = true;
  }

  /** How many steps there were. */
  get steps(): number {
    return this.#steps;
  }

  readonly #step = (): void => {
    if (!this.#counts) return;
    this.#steps += 1;
    if (this.#steps === this.#at) process.kill(process.pid, 'SIGKILL');
  };

  #watch(owner: object, method: string): void {
    const step = this.#step;
    const call = Reflect.get(owner, method) as (...values: unknown[]) => unknown;
    Reflect.set(owner, method, function (this: unknown, ...values: unknown[]) {
      step();
      return call.apply(this, values);
    });
  }

  /** `exec` takes several statements at once: each is a step. */
  #splitScripts(): void {
    const step = this.#step;
    const exec = BetterSqlite3.prototype.exec;
    BetterSqlite3.prototype.exec = function (script) {
      for (const statement of script.split(/;[ \t]*\n/).filter((text) => text.trim() !== '')) {
        step();
        exec.call(this, statement);
      }
      return this;
    };
  }
}

const FS_CALLS = [
  'openSync',
  'renameSync',
  'rmSync',
  'unlinkSync',
  'mkdirSync',
  'chmodSync',
  'fchmodSync',
  'fsyncSync',
  'writeSync',
  'writeFileSync',
  'open',
  'write',
  'mkdir',
  'rename',
  'unlink',
  'rm',
] as const;
const PROMISED_CALLS = [
  'open',
  'rename',
  'rm',
  'unlink',
  'rmdir',
  'mkdir',
  'chmod',
  'writeFile',
  'copyFile',
] as const;
