import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';

/** So many are named in one message. */
const MAX_NAMED = 10;

/** Reports what an operator wrote into the database and cannot be used: to the log and to main, each once. */
export function reportUnusable({
  store,
  clock,
  log,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): void {
  const found = store.handWritten.unusable();
  if (found === undefined) return;
  const lines = found.map(({ where, column, problem }) => `${where}: ${column} cannot be used: ${problem}.`);
  const before = reported(store.state.get('unusable'));
  const fresh = lines.filter((line) => !before.includes(line));
  if (fresh.length === 0 && lines.length === before.length) return;
  store.transaction(() => {
    store.state.set('unusable', JSON.stringify(lines));
    const main = store.groups.main();
    if (main === undefined || fresh.length === 0) return;
    const named = fresh.slice(0, MAX_NAMED);
    const more = fresh.length > named.length ? [`And ${fresh.length - named.length} more: see the log.`] : [];
    const opening = '⚠️ The database holds values that I cannot use. To fix them: sqlite3 store/messages.db';
    const text = [opening, ...named, ...more].join('\n');
    store.outbox.add({ chatJid: main.jid, message: { kind: 'text', text }, source: 'notice' }, clock.now());
  });
  for (const line of fresh) log.warn(line);
}

function reported(json: string | undefined): readonly string[] {
  try {
    const value: unknown = JSON.parse(json ?? '[]');
    return Array.isArray(value) ? value.map(String) : [];
  } catch {
    return [];
  }
}
