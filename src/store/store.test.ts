import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, newMessage, testStore, testTask } from '../../test/support/test-store.ts';
import { Database, DatabaseError } from './database.ts';
import { HostLock, HostLockError } from './host-lock.ts';
import { SCHEMA_1 } from './schema.ts';
import { openStore } from './store.ts';

const NOW = Date.UTC(2026, 0, 1);
const once = (n = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, n));

const V1 = `
    CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TEXT);
    CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, sender_name TEXT, content TEXT, timestamp TEXT,
      is_from_me INTEGER, PRIMARY KEY (id, chat_jid), FOREIGN KEY (chat_jid) REFERENCES chats(jid));
    CREATE INDEX idx_timestamp ON messages(timestamp);
    CREATE TABLE scheduled_tasks (id TEXT PRIMARY KEY, group_folder TEXT NOT NULL, chat_jid TEXT NOT NULL, prompt TEXT NOT NULL,
      schedule_type TEXT NOT NULL, schedule_value TEXT NOT NULL, next_run TEXT, last_run TEXT, last_result TEXT,
      status TEXT DEFAULT 'active', created_at TEXT NOT NULL, context_mode TEXT DEFAULT 'isolated');
    CREATE TABLE router_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE sessions (group_folder TEXT PRIMARY KEY, session_id TEXT NOT NULL);
    CREATE TABLE registered_groups (jid TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL UNIQUE,
      trigger_pattern TEXT NOT NULL, added_at TEXT NOT NULL, container_config TEXT);
    INSERT INTO chats VALUES ('self@s.whatsapp.net', 'Me', '2025-01-01T00:00:02.000Z');
    INSERT INTO messages VALUES ('m2', 'self@s.whatsapp.net', 'x', 'Ann', 'second', '2025-01-01T00:00:02.000Z', 0);
    INSERT INTO messages VALUES ('m1', 'self@s.whatsapp.net', 'x', 'Ann', 'first', '2025-01-01T00:00:01.000Z', 0);
    INSERT INTO scheduled_tasks VALUES ('t1', 'main', 'self@s.whatsapp.net', 'stretch', 'cron', '0 9 * * *',
      '2025-01-02T09:00:00.000Z', NULL, NULL, 'active', '2025-01-01T00:00:00.000Z', 'group');
    INSERT INTO router_state VALUES ('last_agent_timestamp', '{"self@s.whatsapp.net":"2025-01-01T00:00:01.000Z"}');
    INSERT INTO sessions VALUES ('main', 'session-1');
    INSERT INTO registered_groups VALUES ('self@s.whatsapp.net', 'Me', 'main', '@Andy', '2025-01-01T00:00:00.000Z', NULL);`;

describe('the database', () => {
  it('keeps what was committed when it is opened again', () => {
    const directory = temporaryDirectory();
    const first = openStore(join(directory, 'messages.db'));
    first.groups.add(MAIN, NOW);
    first.close();
    const second = openStore(join(directory, 'messages.db'));
    expect(second.groups.all()).toEqual([MAIN]);
    second.close();
  });

  it('is durable against power loss: WAL with synchronous FULL', () => {
    const database = Database.open(join(temporaryDirectory(), 'messages.db'));
    expect(database.sql.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.sql.pragma('synchronous', { simple: true })).toBe(2);
    database.close();
  });

  it('refuses a corrupt file with an error that names the fix, and overwrites nothing', () => {
    const file = join(temporaryDirectory(), 'messages.db');
    writeFileSync(file, 'this is no database, but somebody may want it back');
    expect(() => openStore(file)).toThrow(DatabaseError);
    expect(() => openStore(file)).toThrow(/Put a backup in its place/);
    expect(readFileSync(file, 'utf8')).toMatch(/somebody may want it back/);
  });

  it('is readable by its owner alone, with the files beside it', () => {
    const directory = temporaryDirectory();
    const store = testStore(directory);
    store.groups.add(MAIN, NOW);
    for (const suffix of ['', '-wal', '-shm']) {
      expect(statSync(join(directory, 'store', `messages.db${suffix}`)).mode & 0o777).toBe(0o600);
    }
  });

  it('refuses a database of a newer version', () => {
    const file = join(temporaryDirectory(), 'messages.db');
    openStore(file).close();
    const sql = new BetterSqlite3(file);
    sql.pragma('user_version = 99');
    sql.close();
    expect(() => openStore(file)).toThrow(/newer version/);
  });

  it('can be read and written by an operator while it is open, and shows what they wrote', () => {
    const directory = temporaryDirectory();
    const store = testStore(directory);
    store.groups.add(FAMILY, NOW);
    store.sessions.save('family', 'offline', { sessionId: 's1' });
    const operator = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    operator.exec("DELETE FROM sessions WHERE group_folder = 'family'");
    operator.exec(
      `UPDATE registered_groups SET container_config = '{"timeout":60000}' WHERE folder = 'family'`,
    );
    operator.close();
    expect(store.sessions.find('family', 'offline')).toBeUndefined();
    expect(store.groups.inFolder('family')?.containerConfig).toEqual({ timeout: 60_000 });
  });
});

describe('a transaction', () => {
  it('emits its events after the commit, each once', async () => {
    const store = testStore();
    const rung = vi.fn();
    store.bells.on('outbox', rung);
    store.transaction(() => {
      store.outbox.add({ chatJid: 'a', message: { kind: 'text', text: '1' }, source: 'reply' }, NOW);
      store.outbox.add({ chatJid: 'a', message: { kind: 'text', text: '2' }, source: 'reply' }, NOW);
      expect(rung).not.toHaveBeenCalled();
    });
    await once();
    expect(rung).toHaveBeenCalledTimes(1);
  });

  it('leaves no row and emits no event when it fails', async () => {
    const store = testStore();
    const rung = vi.fn();
    store.bells.on('outbox', rung);
    const work = (): void =>
      store.transaction(() => {
        store.outbox.add({ chatJid: 'a', message: { kind: 'text', text: '1' }, source: 'reply' }, NOW);
        throw new Error('no');
      });
    expect(work).toThrow('no');
    store.transaction(() => undefined);
    await once();
    expect(rung).not.toHaveBeenCalled();
    expect(store.outbox.heads()).toEqual([]);
  });
});

describe('messages', () => {
  it('are stored once per chat, sender and id, however often they come', () => {
    const store = testStore();
    expect(store.messages.add(newMessage({ id: 'A' }))).toBe(true);
    expect(store.messages.add(newMessage({ id: 'A' }))).toBe(false);
    expect(store.messages.add(newMessage({ id: 'A', sender: 'another@s.whatsapp.net' }))).toBe(true);
  });

  it('are all taken when they share a second, in the order in which they arrived', () => {
    const store = testStore();
    store.groups.add(MAIN, NOW);
    for (const id of ['z', 'a', 'm']) store.messages.add(newMessage({ id, isTrigger: true }));
    const [waiting] = store.messages.waiting();
    const ids = store.messages
      .ofTurn(MAIN.jid, waiting!.firstSeq, { before: 10, from: 10 })
      .map(({ id }) => id);
    expect(ids).toEqual(['z', 'a', 'm']);
  });

  it('wait for an answer when one of them triggers, however many others follow it', () => {
    const store = testStore();
    store.groups.add(FAMILY, NOW);
    const inFamily = { chatJid: FAMILY.jid };
    store.messages.add(newMessage({ ...inFamily, id: 'context' }));
    expect(store.messages.waiting()).toEqual([]);
    store.messages.add(newMessage({ ...inFamily, id: 'call', isTrigger: true }));
    for (let n = 0; n < 500; n++) store.messages.add(newMessage({ ...inFamily, id: `later-${n}` }));
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 2 }]);
    const taken = store.messages.ofTurn(FAMILY.jid, 2, { before: 5, from: 3 }).map(({ id }) => id);
    expect(taken).toEqual(['context', 'call', 'later-0', 'later-1']);
  });

  it('all wait in a group that needs no trigger', () => {
    const store = testStore();
    store.groups.add({ ...FAMILY, requiresTrigger: false }, NOW);
    store.messages.add(newMessage({ id: '1', chatJid: FAMILY.jid }));
    expect(store.messages.waiting()).toHaveLength(1);
  });

  it('do not wait any more when the cursor has passed them, and the cursor never goes back', () => {
    const store = testStore();
    store.groups.add(MAIN, NOW);
    store.messages.add(newMessage({ id: '1', isTrigger: true }));
    store.messages.add(newMessage({ id: '2', isTrigger: true }));
    store.messages.moveCursor(MAIN.jid, 2);
    store.messages.moveCursor(MAIN.jid, 1);
    expect(store.messages.waiting()).toEqual([]);
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
  });
});

describe('the outbox', () => {
  it('shows the first open row of each chat only', () => {
    const store = testStore();
    const add = (chatJid: string, text: string): number =>
      store.outbox.add({ chatJid, message: { kind: 'text', text }, source: 'reply' }, NOW);
    const first = add('a', '1');
    const second = add('a', '2');
    const other = add('b', '3');
    expect(store.outbox.heads().map(({ seq }) => seq)).toEqual([first, other]);
    store.outbox.settle(first, 'sent', NOW);
    expect(store.outbox.heads().map(({ seq }) => seq)).toEqual([second, other]);
  });

  it('keeps the wire id of the first send', () => {
    const store = testStore();
    const seq = store.outbox.add(
      { chatJid: 'a', message: { kind: 'text', text: '1' }, source: 'reply' },
      NOW,
    );
    store.outbox.beginSend(seq, 'WIRE-1');
    store.outbox.requeue(seq, { notBefore: 5, sends: 1, error: 'no ack' });
    store.outbox.beginSend(seq, 'WIRE-2');
    expect(store.outbox.findByWireId('WIRE-1')).toMatchObject({ seq, status: 'sending', sends: 2 });
    expect(store.outbox.findByWireId('WIRE-2')).toBeUndefined();
  });
});

describe('a run', () => {
  it('is claimed once for one slot and attempt of a task', () => {
    const store = testStore();
    const claim = {
      folder: 'main',
      chatJid: 'a',
      taskId: 't',
      slot: '2026-01-01T00:00:00.000Z',
      attempt: 1,
      notBefore: 0,
    };
    store.runs.queueTask({ ...claim, id: 'r1' }, NOW);
    expect(() => store.runs.queueTask({ ...claim, id: 'r2' }, NOW)).toThrow(/UNIQUE/);
  });

  it('left effects when an outbox row in any state or a change by the mailbox carries its id', () => {
    const store = testStore();
    expect(store.runs.leftEffects('r1')).toBe(false);
    const seq = store.outbox.add(
      { chatJid: 'a', message: { kind: 'text', text: '1' }, source: 'message', runId: 'r1' },
      NOW,
    );
    store.outbox.settle(seq, 'failed', NOW);
    expect(store.runs.leftEffects('r1')).toBe(true);
    const claim = {
      claimId: 'c',
      folder: 'main',
      operation: 'pause_task',
      requestId: undefined,
      result: { ok: true },
    } as const;
    store.claims.add({ ...claim, runId: 'r2', changed: false }, NOW);
    expect(store.runs.leftEffects('r2')).toBe(false);
    store.claims.add({ ...claim, claimId: 'd', runId: 'r2', changed: true }, NOW);
    expect(store.runs.leftEffects('r2')).toBe(true);
  });
});

describe('a database of NanoClaw v1', () => {
  it('is imported whole: groups, messages in order, tasks, sessions, and each chat’s cursor', () => {
    const file = join(temporaryDirectory(), 'messages.db');
    const v1 = new BetterSqlite3(file);
    v1.exec(V1);
    v1.close();
    const store = openStore(file);
    expect(store.groups.main()).toMatchObject({ folder: 'main', requiresTrigger: false });
    expect(store.tasks.find('t1')).toMatchObject({
      prompt: 'stretch',
      contextMode: 'group',
      status: 'active',
    });
    expect(store.sessions.find('main', 'claude')?.sessionId).toBe('session-1');
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    const [waiting] = store.messages.waiting();
    expect(
      store.messages.ofTurn(MAIN.jid, waiting!.firstSeq, { before: 9, from: 9 }).map(({ id }) => id),
    ).toEqual(['m2']);
    store.close();
    expect(existsSync(`${file}.v1`)).toBe(true);
  });
});

describe('a v1 database with unusual content', () => {
  it.each([
    ['a broken cursor', "UPDATE router_state SET value = '{ half'", 0],
    [
      'a chat of unknown kind',
      'ALTER TABLE chats ADD COLUMN is_group INTEGER; UPDATE chats SET is_group = NULL',
      1,
    ],
    [
      'two groups marked as main',
      `ALTER TABLE registered_groups ADD COLUMN is_main INTEGER;
      UPDATE registered_groups SET is_main = 1;
      INSERT INTO registered_groups VALUES ('b@g.us', 'B', 'b', '@Andy', '', NULL, 1)`,
      1,
    ],
  ])('is imported all the same with %s', (_, change, cursor) => {
    const file = join(temporaryDirectory(), 'messages.db');
    const v1 = new BetterSqlite3(file);
    v1.exec(`${V1}; ${change}`);
    v1.close();
    const store = openStore(file);
    expect(store.groups.all().filter(({ isMain }) => isMain)).toMatchObject([{ folder: 'main' }]);
    expect(store.chats.find(MAIN.jid)?.name).toBe('Me');
    expect(store.messages.cursor(MAIN.jid)).toBe(cursor);
    store.close();
  });

  it('is imported so that a waiting message is answered, and the assistant’s own last message is not', () => {
    const file = join(temporaryDirectory(), 'messages.db');
    const v1 = new BetterSqlite3(file);
    v1.exec(`${V1};
      INSERT INTO chats VALUES ('family@g.us', 'Family', '');
      INSERT INTO registered_groups VALUES ('family@g.us', 'Family', 'family', '@Andy', '', NULL);
      INSERT INTO messages VALUES ('f1', 'family@g.us', 'x', 'Ben', '@Andy lunch?', '2025-01-01T00:00:05.000Z', 0);
      INSERT INTO messages VALUES ('f2', 'family@g.us', 'x', 'Ben', '@Andybody', '2025-01-01T00:00:06.000Z', 0);
      DELETE FROM messages WHERE id = 'm2';
      INSERT INTO messages VALUES ('m3', 'self@s.whatsapp.net', 'x', 'Ann', 'Andy: done', '2025-01-01T00:00:07.000Z', 1)`);
    v1.close();
    const store = openStore(file);
    const waiting = store.messages.waiting();
    expect(waiting.map(({ chatJid }) => chatJid)).toEqual(['family@g.us']);
    const calls = store.messages
      .ofTurn('family@g.us', 0, { before: 9, from: 9 })
      .filter(({ isTrigger }) => isTrigger === 1);
    expect(calls.map(({ id }) => id)).toEqual(['f1']);
    store.close();
  });
});

it('a waiting message of a v1 database triggers by a name of any letters, and another name does not', () => {
  const file = join(temporaryDirectory(), 'messages.db');
  const v1 = new BetterSqlite3(file);
  v1.exec(`${V1};
    INSERT INTO chats VALUES ('family@g.us', 'Family', '');
    INSERT INTO registered_groups VALUES ('family@g.us', 'Family', 'family', '@राम', '', NULL);
    INSERT INTO messages VALUES ('f1', 'family@g.us', 'x', 'Ben', '@रामू', '2025-01-01T00:00:05.000Z', 0);
    INSERT INTO messages VALUES ('f2', 'family@g.us', 'x', 'Ben', '\u200f＠राम', '2025-01-01T00:00:06.000Z', 0)`);
  v1.close();
  const store = openStore(file);
  const triggers = store.messages.triggers('family@g.us', 0, 99, true);
  expect(triggers.map(({ text }) => text)).toEqual(['\u200f＠राम']);
  store.close();
});

it('a message of the outbox holds no half of a character', () => {
  const store = testStore();
  store.outbox.add({ chatJid: 'a@x', message: { kind: 'text', text: 'hi \ud83d' }, source: 'reply' }, 0);
  expect(store.outbox.heads()).toMatchObject([{ message: { text: 'hi \ufffd' } }]);
});

describe('the lock of a root', () => {
  it('does not ask for its removal when it cannot be written on a full disk', () => {
    const file = join(temporaryDirectory(), 'host.lock.db');
    const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    vi.spyOn(BetterSqlite3.prototype, 'exec').mockImplementationOnce(() => {
      throw full;
    });
    expect(() => HostLock.acquire(file, 1)).toThrow(/full\)\. Make room on its disk/);
  });

  it('lets one process in, names the holder to the next, and is free again after its release', () => {
    const file = join(temporaryDirectory(), 'host.lock.db');
    const lock = HostLock.acquire(file, 4711);
    expect(() => HostLock.acquire(file, 4712)).toThrow(new HostLockError(file, 4711));
    lock.release();
    HostLock.acquire(file, 4712).release();
  });
});

describe('the usage of the models', () => {
  it('is summed per run and model, and returned per group and agent since a given time', () => {
    const store = testStore();
    const use = { runId: 'r1', groupFolder: 'main', provider: 'claude', model: 'm', cachedInputTokens: 1 };
    store.usage.add({ ...use, inputTokens: 10, outputTokens: 2 }, NOW);
    store.usage.add({ ...use, inputTokens: 30, outputTokens: 4 }, NOW + 5);
    store.usage.add({ ...use, runId: 'r2', provider: 'kimi', inputTokens: 7, outputTokens: 1 }, NOW + 9);
    expect(store.usage.byGroup()).toEqual([
      {
        folder: 'main',
        provider: 'claude',
        requests: 2,
        inputTokens: 40,
        cachedInputTokens: 2,
        outputTokens: 6,
      },
      {
        folder: 'main',
        provider: 'kimi',
        requests: 1,
        inputTokens: 7,
        cachedInputTokens: 1,
        outputTokens: 1,
      },
    ]);
    expect(store.usage.byGroup(NOW + 1).map(({ provider }) => provider)).toEqual(['kimi']);
  });
});

describe('a database of the first schema', () => {
  it('is upgraded to the newest schema with all that it holds', () => {
    const file = join(temporaryDirectory(), 'messages.db');
    const old = new BetterSqlite3(file);
    old.exec(SCHEMA_1);
    old.pragma('user_version = 1');
    old.exec("INSERT INTO router_state VALUES ('cursor:x', '7')");
    old.close();
    const store = openStore(file);
    expect(store.messages.cursor('x')).toBe(7);
    store.followUps.add('run', { file: 'a.json', lastSeq: 8 });
    expect(store.followUps.ofRun('run')).toEqual([{ file: 'a.json', lastSeq: 8 }]);
    store.close();
  });
});

describe('settings of a group that an operator wrote by hand', () => {
  const settings = (json: string) => {
    const directory = temporaryDirectory();
    const store = testStore(directory);
    store.groups.add(FAMILY, 0);
    const other = new BetterSqlite3(join(directory, 'store', 'messages.db'));
    other.prepare('UPDATE registered_groups SET container_config = ?').run(json);
    other.close();
    return store.groups.inFolder('family')?.containerConfig;
  };

  it('are used without the field that cannot be read', () => {
    expect(settings('{"timeout":"60","network":"none","model":"m"}')).toEqual({
      network: 'none',
      model: 'm',
    });
  });

  it('keep the network off where the operator may have meant that', () => {
    expect(settings('{"network":"nothing","timeout":5}')).toEqual({ network: 'none', timeout: 5 });
    expect(settings('{"network":"none"')).toEqual({ network: 'none' });
    expect(settings('[]')).toEqual({ network: 'none' });
    expect(settings('')).toEqual({});
  });
});

describe('the next run of a task', () => {
  it.each([
    ['2026-03-02 08:00:00', '2026-03-02T08:00:00.000Z'],
    ['2026-03-02T10:00:00+02:00', '2026-03-02T08:00:00.000Z'],
    ['2026-03-02T08:00:00', '2026-03-02T08:00:00.000Z'],
    ['2026-03-02T08:00:00.123Z', '2026-03-02T08:00:00.123Z'],
  ])('the next_run %s that an operator wrote is the instant %s wherever it is read', (written, instant) => {
    const store = testStore();
    store.tasks.add(testTask({ nextRun: written }));
    expect(store.tasks.find('t')?.nextRun).toBe(instant);
    expect(store.tasks.all()[0]?.nextRun).toBe(instant);
    expect(store.tasks.nextDue()).toBe(Date.parse(instant));
  });

  it.each([
    'soon',
    '+010000-01-01T00:00:00.000Z',
    '-000001-01-01T00:00:00.000Z',
    '1969-12-31 00:00:00',
    '09:00',
    '5',
  ])('the next_run %s is no instant, is never due, and is found as broken', (written) => {
    const store = testStore();
    store.tasks.add(testTask({ nextRun: written }));
    expect(store.tasks.due(Date.UTC(9999, 0))).toEqual([]);
    expect(store.tasks.nextDue()).toBeUndefined();
    expect(store.tasks.withBrokenTime()).toMatchObject([{ nextRun: written }]);
  });
});

it('what throws inside an outer transaction that catches the error is undone alone', () => {
  const store = testStore();
  store.transaction(() => {
    store.state.set('line', '1');
    const failing = (): void =>
      store.transaction(() => {
        store.state.set('sandbox', '1');
        throw new Error('no');
      });
    expect(failing).toThrow('no');
  });
  expect([store.state.get('line'), store.state.get('sandbox')]).toEqual(['1', undefined]);
});
