import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, newMessage, testTask } from '../../test/support/test-store.ts';
import { LogTruncation } from './log-truncation.ts';
import { changeBeside, openStore } from './store.ts';

const NOW = Date.UTC(2026, 0, 1);

function rig() {
  const file = join(temporaryDirectory(), 'messages.db');
  const store = openStore(file);
  const truncation = new LogTruncation({
    files: [file, `${file}.absent`],
    clock: { now: () => Date.now() },
    log: silentLog,
    timings: { truncateLogAfterMs: 1, workFailurePauseMs: 1 },
  });
  onTestFinished(() => {
    truncation.stop();
    store.close();
  });
  const logBytes = (): number => statSync(`${file}-wal`).size;
  return { file, store, truncation, logBytes };
}

describe('a text that was deleted', () => {
  it('is in none of the files of the database once the host is idle', async () => {
    const { file, store, truncation, logBytes } = rig();
    store.groups.add(FAMILY, NOW);
    for (let n = 0; n < 50; n++)
      store.messages.add(newMessage({ id: `${n}`, text: `the secret words ${n}` }));
    for (const { id, seq } of store.messages.ofTurn(MAIN.jid, 0, { before: 99, from: 99 }))
      store.messages.erase(MAIN.jid, id, seq, NOW);
    const all = (): string => ['', '-wal'].map((side) => readFileSync(file + side, 'latin1')).join();
    expect(all()).toContain('the secret words');
    truncation.note();
    await vi.waitFor(() => expect(logBytes()).toBe(0));
    expect(all()).not.toContain('the secret words');
  });

  it('is in none of the files after a command deleted it and has ended', async () => {
    const file = join(temporaryDirectory(), 'messages.db');
    const store = openStore(file);
    store.tasks.add(testTask({ id: 'task-1', prompt: 'the secret words' }));
    store.close();
    const all = (): string =>
      ['', '-wal']
        .filter((side) => existsSync(file + side))
        .map((side) => readFileSync(file + side, 'latin1'))
        .join();
    expect(all()).toContain('the secret words');
    await changeBeside(file, ({ tasks }) => tasks.remove('task-1'));
    expect(all()).not.toContain('the secret words');
  });

  it('goes from the log once no other program reads, and the host waits for none', async () => {
    const { file, store, truncation, logBytes } = rig();
    store.groups.add(FAMILY, NOW);
    const reader = new BetterSqlite3(file, { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT * FROM chats').all();
    store.messages.add(newMessage({ id: 'A' }));
    const tried = vi.spyOn(BetterSqlite3.prototype, 'close');
    truncation.note();
    await vi.waitFor(() => expect(tried).toHaveBeenCalled());
    tried.mockRestore();
    expect(logBytes()).toBeGreaterThan(0);
    store.messages.add(newMessage({ id: 'B' }));
    reader.close();
    truncation.note();
    await vi.waitFor(() => expect(logBytes()).toBe(0));
    expect(store.messages.find(MAIN.jid, 'B')).toBeDefined();
  });
});
