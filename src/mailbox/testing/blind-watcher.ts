import { EventEmitter } from 'node:events';
import type { FSWatcher } from 'chokidar';
import type { Watch } from '../watcher.ts';

/** Watches nothing and never says so. */
export class BlindWatcher extends EventEmitter {
  readonly paths: readonly string[];
  closed = false;
  constructor(paths: readonly string[]) {
    super();
    this.paths = paths;
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

/** Suppresses all events of all watchers. For the tests and the bench. @param watchers gets each that is made */
export function blindWatch(watchers: BlindWatcher[] = []): Watch {
  return (paths) => {
    const watcher = new BlindWatcher([paths].flat());
    watchers.push(watcher);
    // Only the methods above are used; the rest of chokidar's class has nothing to do here.
    return watcher as EventEmitter as FSWatcher;
  };
}
