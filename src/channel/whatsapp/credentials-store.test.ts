import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
} from '@whiskeysockets/baileys';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../test/support/silent-log.ts';
import { archiveCredentials, freshenCredentials, inspectCredentials } from './credentials.ts';
import { CredentialsStore } from './credentials-store.ts';
import { CredentialsDatabaseError, CredentialsUnreadableError } from './errors.ts';

let directory: string;
let file: string;
let store: CredentialsStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nanoclaw-credentials-'));
  file = join(directory, 'whatsapp.db');
  store = CredentialsStore.open(file);
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Makes the present account a paired one. */
function pair(target = store): void {
  Object.assign(target.creds, {
    me: { id: '491511:7@s.whatsapp.net', name: 'Maria' },
    account: { details: Buffer.from('a') },
  });
  target.save(target.creds);
}

function reopen(): CredentialsStore {
  store.close();
  store = CredentialsStore.open(file);
  return store;
}

const bytes = (text: string) => Buffer.from(text);

const EVERY_TYPE: { [T in keyof SignalDataTypeMap]: SignalDataTypeMap[T] } = {
  'pre-key': { public: bytes('public'), private: bytes('private') },
  session: bytes('a ratchet'),
  'sender-key': bytes('a group ratchet'),
  'sender-key-memory': { '1@s.whatsapp.net': true },
  'app-state-sync-key': proto.Message.AppStateSyncKeyData.fromObject({ keyData: bytes('k'), timestamp: 7 }),
  'app-state-sync-version': {
    version: 3,
    hash: bytes('hash'),
    indexValueMap: { 'a+b=': { valueMac: bytes('mac') } },
  },
  'lid-mapping': '491511',
  'device-list': ['0', '7'],
  tctoken: { token: bytes('token'), timestamp: '12', senderTimestamp: 3 },
  'identity-key': bytes('identity'),
};

describe('keys', () => {
  it.each(Object.keys(EVERY_TYPE) as (keyof SignalDataTypeMap)[])(
    'keys of type %s survive a restart unchanged',
    async (type) => {
      await store.keys.set({ [type]: { id: EVERY_TYPE[type] } });
      const found = await reopen().keys.get(type, ['id', 'another']);
      expect(found).toEqual({ id: EVERY_TYPE[type] });
    },
  );

  it('keys of the app state are returned as the message that Baileys needs', async () => {
    await store.keys.set({ 'app-state-sync-key': { id: EVERY_TYPE['app-state-sync-key'] } });
    const { id } = await store.keys.get('app-state-sync-key', ['id']);
    expect(id).toBeInstanceOf(proto.Message.AppStateSyncKeyData);
  });

  it('sender keys that Baileys stored, now or with an earlier version, have skipped message keys that it can read', async () => {
    const seed = bytes('seed');
    const asBaileysWrites = JSON.stringify([{ senderMessageKeys: [{ iteration: 7, seed }] }]);
    await store.keys.set({ 'sender-key': { once: bytes(asBaileysWrites) } });
    const { once } = await store.keys.get('sender-key', ['once']);
    await store.keys.set({ 'sender-key': { twice: once as Uint8Array } });
    const { twice } = await reopen().keys.get('sender-key', ['twice']);
    for (const read of [once, twice]) {
      const parsed: unknown = JSON.parse(Buffer.from(read ?? []).toString(), BufferJSON.reviver);
      expect(parsed).toEqual([{ senderMessageKeys: [{ iteration: 7, seed }] }]);
    }
  });

  it('are deleted by null and only then', async () => {
    await store.keys.set({ session: { a: bytes('a'), b: bytes('b') } });
    await store.keys.set({ session: { a: null } });
    expect(Object.keys(await store.keys.get('session', ['a', 'b']))).toEqual(['b']);
  });

  it('are stored all or none', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const half = { session: { a: bytes('new') }, 'sender-key': { b: cyclic } } as unknown as SignalDataSet;
    await store.keys.set({ session: { a: bytes('old') } });
    expect(() => store.keys.set(half)).toThrow(/circular/);
    expect(await store.keys.get('session', ['a'])).toEqual({ a: bytes('old') });
  });

  it('keys that do not parse are an error that names the row, and stay unchanged', () => {
    spoil("INSERT INTO keys VALUES ('session', 'x', '{')");
    expect(() => store.keys.get('session', ['x'])).toThrow(CredentialsUnreadableError);
    expect(() => store.keys.get('session', ['x'])).toThrow(/row keys session x/);
  });

  it('keys written after the close are dropped, because a socket may end later than the store', async () => {
    store.close();
    await store.keys.set({ session: { a: bytes('a') } });
    expect(await store.keys.get('session', ['a'])).toEqual({});
    store.save(store.creds);
    expect(store.numberOf('1')).toBeUndefined();
  });
});

describe('the account', () => {
  it('survives a restart with every byte', () => {
    pair();
    const before = store.creds;
    expect(reopen().creds).toEqual(before);
    expect(store.paired).toBe(true);
  });

  it('is not paired before the phone has signed it', () => {
    expect(store.paired).toBe(false);
    store.creds.me = { id: '491511@s.whatsapp.net', name: '~' };
    expect(store.paired).toBe(false);
  });

  it('an abandoned pairing is wiped at the next start, with its keys', async () => {
    store.creds.me = { id: '491511@s.whatsapp.net', name: '~' };
    store.save(store.creds);
    await store.keys.set({ session: { a: bytes('a') } });
    const before = store.creds.noiseKey;
    reopen();
    expect(store.creds.me).toBeUndefined();
    expect(store.creds.noiseKey).not.toEqual(before);
    expect(await store.keys.get('session', ['a'])).toEqual({});
  });

  it('the credentials of a replaced socket are not written', () => {
    pair();
    store.save({ ...initAuthCreds(), me: { id: 'stranger@s.whatsapp.net' } });
    expect(reopen().creds.me?.name).toBe('Maria');
  });

  it('an archived account is kept, and a new one starts', async () => {
    pair();
    store.markGreeted();
    await store.keys.set({ session: { a: bytes('a') } });
    const before = store.creds.noiseKey;
    store.layAside(1_700_000_000_000);
    expect(store.paired).toBe(false);
    expect(store.greeted).toBe(false);
    expect(await store.keys.get('session', ['a'])).toEqual({});
    expect(reopen().creds.noiseKey).not.toEqual(before);
    const database = new Database(file, { readonly: true });
    expect(database.prepare('SELECT at FROM aside_creds').pluck().all()).toEqual([1_700_000_000_000]);
    expect(database.prepare('SELECT id FROM aside_keys').pluck().all()).toEqual(['a']);
    database.close();
  });

  it('only the last three archived accounts are kept', () => {
    for (const at of [1, 2, 3, 4, 5]) {
      pair();
      store.layAside(at);
    }
    const database = new Database(file, { readonly: true });
    expect(database.prepare('SELECT at FROM aside_creds ORDER BY at').pluck().all()).toEqual([3, 4, 5]);
    database.close();
  });

  it('is marked as greeted durably, once', () => {
    pair();
    expect(store.greeted).toBe(false);
    store.markGreeted();
    expect(reopen().greeted).toBe(true);
  });
});

describe('opening a damaged credentials store', () => {
  it.each([
    ['no JSON', '{"noiseKey":'],
    ['another thing', '[]'],
    ['without its keys', '{"me":{"id":"1@s.whatsapp.net"}}'],
    ['with a key that is no bytes', '{"noiseKey":{"public":"AA","private":"AA"}}'],
  ])('fails for an account that is %s, with an error that names the fix, and changes nothing', (_, text) => {
    pair();
    spoil('UPDATE creds SET value = ?', text);
    store.close();
    expect(() => CredentialsStore.open(file)).toThrow(CredentialsUnreadableError);
    expect(() => CredentialsStore.open(file)).toThrow(/Nothing was changed.*\.\/nanoclaw pair/s);
    expect(() => inspectCredentials(file)).toThrow(CredentialsUnreadableError);
    const database = new Database(file, { readonly: true });
    expect(database.prepare('SELECT value FROM creds').pluck().get()).toBe(text);
    database.close();
  });

  it('fails for a file that is no database, with an error that names the fix, and does not touch it', () => {
    store.close();
    const other = join(directory, 'other.db');
    writeFileSync(other, 'this is not a database, but somebody’s notes '.repeat(100));
    const before = readFileSync(other);
    expect(() => CredentialsStore.open(other)).toThrow(CredentialsDatabaseError);
    expect(() => CredentialsStore.open(other)).toThrow(/Restore a backup: \.\/nanoclaw restore/);
    expect(() => inspectCredentials(other)).toThrow(CredentialsDatabaseError);
    expect(readFileSync(other).equals(before)).toBe(true);
  });

  it('fails for a database with a broken page instead of starting a new account', async () => {
    pair();
    const many = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, n) => [`k${n}`, bytes('x'.repeat(200))]),
    );
    await store.keys.set({ session: many });
    store.close();
    const image = readFileSync(file);
    image.fill(0x5a, 4_096 * 20, 4_096 * 60);
    writeFileSync(file, image);
    expect(() => CredentialsStore.open(file)).toThrow(CredentialsDatabaseError);
    expect(readFileSync(file).equals(image)).toBe(true);
  });

  it('fails for a directory in its place', () => {
    expect(() => CredentialsStore.open(directory)).toThrow(CredentialsDatabaseError);
  });
});

describe('the credentials file', () => {
  it('is readable by its owner alone, and so is its journal', () => {
    pair();
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(file + suffix).mode & 0o777).toBe(0o600);
  });

  it('is flushed to the disk at each commit', () => {
    const database = new Database(file);
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    database.close();
  });
});

describe('a look at the account from outside', () => {
  it('tells absent, unpaired and paired accounts apart while a host uses the database', () => {
    expect(inspectCredentials(join(directory, 'none.db'))).toEqual({ status: 'absent' });
    expect(inspectCredentials(file)).toEqual({ status: 'unpaired' });
    pair();
    expect(inspectCredentials(file)).toEqual({ status: 'paired', number: '491511', name: 'Maria' });
  });

  it('archives a stopped host’s account', () => {
    pair();
    store.close();
    archiveCredentials(file, 5, silentLog);
    expect(inspectCredentials(file)).toEqual({ status: 'unpaired' });
  });

  it('archives credentials that cannot be read as files, so that an account can be linked again', () => {
    store.close();
    writeFileSync(file, 'half of an account');
    archiveCredentials(file, 5, silentLog);
    expect(inspectCredentials(file)).toEqual({ status: 'absent' });
    const kept = readdirSync(directory).find((name) => name.includes('unreadable-1970-01-01T00-00-00.005Z'));
    expect(readFileSync(join(directory, kept ?? ''), 'utf8')).toBe('half of an account');
  });
});

describe('the numbers of LIDs', () => {
  it('are resolved by what this store learnt, else by what Baileys learnt', async () => {
    await store.keys.set({ 'lid-mapping': { '22_reverse': '491522' } });
    store.learnNumber('11', '491511');
    reopen();
    expect([store.numberOf('11'), store.numberOf('22'), store.numberOf('33')]).toEqual([
      '491511',
      '491522',
      undefined,
    ]);
  });

  it('are resolved back to the LID by either source', async () => {
    await store.keys.set({ 'lid-mapping': { '491522': '22' } });
    store.learnNumber('11', '491511');
    reopen();
    expect(['491511', '491522', '491533'].map((number) => store.lidOf(number))).toEqual([
      '11',
      '22',
      undefined,
    ]);
  });
});

/** Changes the database behind the store's back. */
function spoil(sql: string, ...values: string[]): void {
  const database = new Database(file);
  database.prepare(sql).run(...values);
  database.close();
}

describe('the database of an account', () => {
  it('is refused in a newer version with an error that names the fix, and is not changed', () => {
    store.database.pragma('user_version = 99');
    store.close();
    for (const open of [() => CredentialsStore.open(file), () => inspectCredentials(file)])
      expect(open).toThrow(/have schema 99, this version knows 4\. .*Run the newer version/);
    const database = new Database(file, { readonly: true });
    expect(database.pragma('user_version', { simple: true })).toBe(99);
    database.close();
    store = CredentialsStore.open(join(directory, 'another.db'));
  });

  it('opens without a version number with all that it holds, and has one then', () => {
    pair();
    store.database.exec('DROP TABLE uploads; DROP TABLE stanzas; PRAGMA user_version = 0');
    expect(reopen().paired).toBe(true);
    expect(store.database.pragma('user_version', { simple: true })).toBe(4);
    expect(store.database.prepare('SELECT * FROM uploads, stanzas').all()).toEqual([]);
  });

  it('opens in the first version with all that it holds, and gets the table of addresses', () => {
    pair();
    store.database.exec('DROP TABLE addresses; PRAGMA user_version = 1');
    expect(reopen().paired).toBe(true);
    expect(store.database.pragma('user_version', { simple: true })).toBe(4);
    expect(store.database.prepare('SELECT * FROM addresses').all()).toEqual([]);
  });
});

describe('an older copy of an account', () => {
  it('drops its sessions, its own group keys and waiting messages, and keeps the group keys of others', () => {
    pair();
    const senders = ['g@g.us::491511::7', 'g@g.us::491512::0', 'g@g.us::491513_1::0'];
    store.keys.set({
      session: { '491512.0': bytes('a ratchet') },
      'sender-key': Object.fromEntries(senders.map((id) => [id, bytes('k')])),
      'sender-key-memory': { 'g@g.us': { '491512': true } },
      'identity-key': { '491512.0': bytes('identity') },
    });
    store.database.exec(`
      INSERT INTO stanzas (message, digest, node, at) VALUES ('m', x'00', '{}', 0);
      INSERT INTO plaintexts VALUES (x'00', 'm', x'01', 0)`);
    store.close();
    freshenCredentials(file);
    store = CredentialsStore.open(file);
    const left = store.database.prepare('SELECT type, id FROM keys ORDER BY type, id').raw().all();
    expect(left).toEqual([
      ['identity-key', '491512.0'],
      ['sender-key', senders[1]],
      ['sender-key', senders[2]],
    ]);
    expect(store.paired).toBe(true);
    expect(store.database.prepare('SELECT * FROM stanzas').all()).toEqual([]);
    // Known, so that it is not decrypted once more when the server brings it again.
    expect(store.database.prepare('SELECT value FROM plaintexts').all()).toEqual([{ value: null }]);
  });
});
