import type { Log } from '../log.ts';
import type { CommitQueue } from '../store/commit-queue.ts';
import type { Store } from '../store/store.ts';

/** Merges what is stored under two addresses of one person. A process that ends before that is committed is told again. */
export class Merging {
  readonly #store: Store;
  readonly #commits: Pick<CommitQueue, 'add'>;
  readonly #log: Log;
  readonly #waiting = new Set<string>();

  constructor(store: Store, commits: Pick<CommitQueue, 'add'>, log: Log) {
    this.#store = store;
    this.#commits = commits;
    this.#log = log;
  }

  /** @returns whether it is committed; false: as soon as the database allows it */
  onSamePerson(from: string, to: string): boolean {
    const pair = `${from} ${to}`;
    if (this.#waiting.has(pair)) return false;
    // A whole list of members tells hundreds at once, and tells them again before it is committed.
    if (this.#store.samePerson.current(from) === to) return true;
    this.#waiting.add(pair);
    return this.#commits.add('two addresses of one person', () => this.#merge(from, to));
  }

  #merge(from: string, to: string): void {
    const folder = this.#store.samePerson.merge(from, to);
    this.#waiting.delete(`${from} ${to}`);
    if (folder === undefined) return;
    const facts = { from, to, folder };
    this.#log.warn(facts, 'A chat was active under two addresses: one folder is not used any more');
  }
}
