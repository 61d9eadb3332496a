import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import BetterSqlite3 from 'better-sqlite3';

/** The original: the call that reports a step is no step itself. */
const { writeSync } = fs;

/**
 * Ends its process by SIGKILL right before the n-th step: a statement that may change a database, or a call that may
 * change a file. It writes to stdout before which step that is. Steps are counted from `from` on. A child process
 * creates it before it does anything else.
 */
export class StepKiller {
  readonly #at: number;
  readonly #steps: string[] = [];
  #counts = false;

  /** @param at before which step to end, 1 the first; 0: not at all */
  constructor(at: number) {
    this.#at = at;
    for (const method of FS_CALLS) this.#watch(fs, method);
    for (const method of PROMISED_CALLS) this.#watch(fs.promises, method);
    syncBuiltinESMExports();
    const probe = new BetterSqlite3(':memory:');
    const statement = Object.getPrototypeOf(probe.prepare('SELECT 1')) as object;
    this.#watch(statement, 'run', (_, { source }) => source);
    probe.close();
    this.#watch(BetterSqlite3.prototype, 'pragma', ([sql]) => sql);
    this.#watch(BetterSqlite3.prototype, 'backup');
    this.#splitScripts();
  }

  /** From here on steps count. */
  from(): void {
    this.#counts = true;
  }

  /** The steps so far: the name of the method, and the first words of its SQL. */
  get steps(): readonly string[] {
    return this.#steps;
  }

  readonly #step = (method: string, sql: unknown): void => {
    if (!this.#counts) return;
    const words = typeof sql === 'string' ? sql.trim().split(/\s+/).slice(0, SQL_WORDS) : [];
    const step = [method, ...words].join(' ');
    this.#steps.push(step);
    if (this.#steps.length !== this.#at) return;
    writeSync(process.stdout.fd, step);
    process.kill(process.pid, 'SIGKILL');
  };

  #watch(
    owner: object,
    method: string,
    sqlOf: (values: readonly unknown[], self: { readonly source?: unknown }) => unknown = () => undefined,
  ): void {
    const step = this.#step;
    const call = Reflect.get(owner, method) as (...values: unknown[]) => unknown;
    Reflect.set(owner, method, function (this: object, ...values: unknown[]) {
      step(method, sqlOf(values, this));
      return call.apply(this, values);
    });
  }

  /** `exec` takes several statements at once: each is a step. */
  #splitScripts(): void {
    const step = this.#step;
    const exec = BetterSqlite3.prototype.exec;
    BetterSqlite3.prototype.exec = function (script) {
      for (const statement of script.split(/;[ \t]*\n/).filter((text) => text.trim() !== '')) {
        step('exec', statement);
        exec.call(this, statement);
      }
      return this;
    };
  }
}

const SQL_WORDS = 3;
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
