import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer, call, controlledTurns } from '../../test/support/controlled-turns.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, newMessage, testStore } from '../../test/support/test-store.ts';
import type { Store } from './store.ts';

const at = (hour: number): string => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();

/** Two chats whose three messages, an hour apart, are answered, and an operator’s connection. */
function rig() {
  const directory = temporaryDirectory();
  const store = testStore(directory);
  for (const group of [MAIN, FAMILY]) {
    store.groups.add(group, 0);
    for (const hour of [1, 2, 3]) {
      const id = `${group.folder}-${hour}`;
      const timestamp = Date.UTC(2026, 0, 1, hour);
      store.messages.add(newMessage({ id, chatJid: group.jid, timestamp, isTrigger: true }));
    }
  }
  store.messages.moveCursor(MAIN.jid, 3);
  store.messages.moveCursor(FAMILY.jid, 6);
  store.cursorView.sync();
  const sqlite = new BetterSqlite3(join(directory, 'store', 'messages.db'));
  onTestFinished(() => void sqlite.close());
  const run = (sql: string): void => void sqlite.exec(sql);
  const write = (value: string): void => {
    const update = "UPDATE router_state SET value = ? WHERE key = 'last_agent_timestamp'";
    expect(sqlite.prepare(update).run(value).changes).toBe(1);
  };
  const read = (): unknown => {
    const select = "SELECT value FROM router_state WHERE key = 'last_agent_timestamp'";
    return JSON.parse(String(sqlite.prepare(select).pluck().get()));
  };
  const written = (): unknown =>
    sqlite.prepare("SELECT value FROM router_state WHERE key = 'cursors:written'").pluck().get();
  /** The store as the next host opens it. */
  const restarted = (): Store => {
    store.close();
    return testStore(directory);
  };
  return { store, run, write, read, written, restarted, cursors: () => cursorsOf(store) };
}

const cursorsOf = (store: Store) => [store.messages.cursor(MAIN.jid), store.messages.cursor(FAMILY.jid)];

describe('v1’s last_agent_timestamp', () => {
  it('shows when the last answered message of each chat was written', () => {
    const { store, read } = rig();
    expect(read()).toEqual({ [MAIN.jid]: at(3), [FAMILY.jid]: at(3) });
    store.messages.add(newMessage({ id: 'new', timestamp: Date.UTC(2026, 0, 1, 9) }));
    store.messages.moveCursor(MAIN.jid, 7);
    expect(store.cursorView.sync()).toBeUndefined();
    expect(read()).toEqual({ [MAIN.jid]: at(9), [FAMILY.jid]: at(3) });
  });

  it('is made of all chats only when a cursor or a chat has changed, for it is looked at with each message', () => {
    const { store, read } = rig();
    const made = vi.spyOn(JSON, 'stringify');
    onTestFinished(() => made.mockRestore());
    store.messages.add(newMessage({ id: 'new', timestamp: Date.UTC(2026, 0, 1, 9) }));
    expect(store.cursorView.sync()).toBeUndefined();
    expect(made).not.toHaveBeenCalled();
    store.groups.remove(FAMILY.jid);
    store.cursorView.sync();
    expect(read()).toEqual({ [MAIN.jid]: at(3) });
  });

  it.each([
    ['a time for all', at(1), [1, 4]],
    ['a time for all, quoted', JSON.stringify(at(2)), [2, 5]],
    ['a time as SQLite writes it', '2026-01-01 02:00:00', [2, 5]],
    ['seconds since the epoch', String(Date.UTC(2026, 0, 1, 1) / 1_000), [1, 4]],
    ['nothing', '', [0, 0]],
    ['zero', '0', [0, 0]],
    ['an empty object', '{}', [0, 0]],
    [
      'a time for one chat and the other one as it was',
      JSON.stringify({ [MAIN.jid]: at(1), [FAMILY.jid]: at(3) }),
      [1, 6],
    ],
    [
      'one chat alone, so that the other one waits from its start',
      JSON.stringify({ [MAIN.jid]: at(3) }),
      [3, 0],
    ],
    ['an empty time for one chat', JSON.stringify({ [MAIN.jid]: '', [FAMILY.jid]: at(3) }), [0, 6]],
  ])('moves the cursors when an operator writes %s', (_, value, expected) => {
    const { store, write, cursors } = rig();
    write(value);
    expect(store.cursorView.sync()?.problem).toBeUndefined();
    expect(cursors()).toEqual(expected);
    expect(store.cursorView.sync()).toBeUndefined();
    expect(cursors()).toEqual(expected);
  });

  it('moves the cursor of the one chat that an operator takes out of the object, and all when the row goes', () => {
    const { store, run, cursors } = rig();
    run(
      `UPDATE router_state SET value = json_remove(value, '$."${FAMILY.jid}"') WHERE key = 'last_agent_timestamp'`,
    );
    expect(store.cursorView.sync()).toEqual({ chats: [FAMILY.jid], problem: undefined });
    expect(cursors()).toEqual([3, 0]);
    run("DELETE FROM router_state WHERE key = 'last_agent_timestamp'");
    store.cursorView.sync();
    expect(cursors()).toEqual([0, 0]);
  });

  it('moves cursors forward too, so that what waits is not answered', () => {
    const { store, write, cursors } = rig();
    store.messages.add(newMessage({ id: 'new', timestamp: Date.UTC(2026, 0, 1, 9), isTrigger: true }));
    write(JSON.stringify({ [MAIN.jid]: at(12), [FAMILY.jid]: at(12) }));
    store.cursorView.sync();
    expect(cursors()).toEqual([7, 6]);
    expect(store.messages.waiting()).toEqual([]);
  });

  it.each([
    ['yesterday', [3, 6]],
    ['[1]', [3, 6]],
    [JSON.stringify({ [MAIN.jid]: 'soon', [FAMILY.jid]: at(1) }), [3, 4]],
  ])('is put back where it cannot be understood (%s), which is reported', (value, expected) => {
    const { store, write, read, cursors } = rig();
    write(value);
    expect(store.cursorView.sync()?.problem).toEqual(expect.any(String));
    expect(cursors()).toEqual(expected);
    expect(read()).toMatchObject({ [MAIN.jid]: at(3) });
  });

  it('finds a chat by an earlier address', () => {
    const { store, write, cursors } = rig();
    store.samePerson.merge('lid@lid', MAIN.jid);
    write(JSON.stringify({ 'lid@lid': at(1), [FAMILY.jid]: at(3) }));
    store.cursorView.sync();
    expect(cursors()).toEqual([1, 6]);
  });

  it('moves no cursor at the first start, when the row is v1’s own', () => {
    const { store, run, cursors } = rig();
    run("DELETE FROM router_state WHERE key = 'cursors:written'");
    run("UPDATE router_state SET value = '{}' WHERE key = 'last_agent_timestamp'");
    expect(store.cursorView.sync()).toBeUndefined();
    expect(cursors()).toEqual([3, 6]);
  });

  it('is stored once; what a change is noticed by is its hash, as short for a thousand chats as for one', () => {
    const { store, written } = rig();
    const before = written();
    store.groups.remove(FAMILY.jid);
    store.cursorView.sync();
    expect(written()).toMatch(/^[0-9a-f]{64}$/);
    expect(written()).not.toBe(before);
  });

  it('moves no cursor after an update, when the database of the version before holds the text twice', () => {
    const { run, restarted } = rig();
    run(`UPDATE router_state SET value = (SELECT value FROM router_state WHERE key = 'last_agent_timestamp')
      WHERE key = 'cursors:written'`);
    const store = restarted();
    store.messages.add(newMessage({ id: 'new', timestamp: Date.UTC(2026, 0, 1, 9) }));
    store.messages.moveCursor(MAIN.jid, 7);
    expect(store.cursorView.sync()).toBeUndefined();
    expect(cursorsOf(store)).toEqual([7, 6]);
  });

  it.each([
    ['by the version before', true],
    ['by this one', false],
  ])('moves what an operator changed while no host ran, where it was last written %s', (_, isOld) => {
    const { run, write, restarted } = rig();
    if (isOld)
      run(`UPDATE router_state SET value = (SELECT value FROM router_state WHERE key = 'last_agent_timestamp')
        WHERE key = 'cursors:written'`);
    write(JSON.stringify({ [MAIN.jid]: at(1), [FAMILY.jid]: at(3) }));
    const store = restarted();
    expect(store.cursorView.sync()).toEqual({ chats: [MAIN.jid], problem: undefined });
    expect(cursorsOf(store)).toEqual([1, 6]);
    expect(store.cursorView.sync()).toBeUndefined();
  });

  it('does not move back a chat that was answered between an operator’s reading and writing', () => {
    const { store, write, cursors } = rig();
    store.messages.add(newMessage({ id: 'new', timestamp: Date.UTC(2026, 0, 1, 9) }));
    store.messages.moveCursor(MAIN.jid, 7);
    write(JSON.stringify({ [MAIN.jid]: at(3), [FAMILY.jid]: at(1) }));
    expect(store.cursorView.sync()?.chats).toEqual([FAMILY.jid]);
    expect(cursors()).toEqual([7, 4]);
  });

  it('is up to date when the host has stopped', async () => {
    const { store, started, conversation } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1', '@Andy question');
    const turn = await started(1);
    const stopped = conversation.stop(60_000);
    await turn.say(answer('one'));
    turn.end();
    await stopped;
    expect(Object.keys(JSON.parse(store.state.get('last_agent_timestamp') ?? ''))).toEqual([MAIN.jid]);
  });

  it('lets a chat be answered again at the next turn, also when one was at work meanwhile', async () => {
    const { store, agent, started, conversation } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1', '@Andy question');
    const first = await started(1);
    await first.say(answer('one'));
    first.end();
    await vi.waitFor(() => expect(store.runs.running()).toEqual([]));
    call(store, '2', '@Andy other');
    const second = await started(2);
    store.state.set('last_agent_timestamp', '{}');
    await second.say(answer('two'));
    second.end();
    const third = await started(3);
    expect(agent.requests[2]?.prompt).toContain('question');
    await third.say(answer('again'));
    third.end();
    await vi.waitFor(() => expect(store.messages.waiting()).toEqual([]));
    await conversation.stop(0);
  });
});
