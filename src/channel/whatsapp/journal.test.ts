import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rememberingLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { HOUR } from '../../clock.ts';
import { CredentialsStore } from './credentials-store.ts';
import { Journal } from './journal.ts';

const NODE: BinaryNode = {
  tag: 'message',
  attrs: { id: 'A' },
  content: [{ tag: 'enc', attrs: { type: 'msg' }, content: Buffer.from([0, 255, 1]) }],
};

let store: CredentialsStore;
let now = Date.UTC(2026, 0, 1);
let logged: ReturnType<typeof rememberingLog>;

const open = (): Journal => new Journal(store.database, { now: () => now }, logged.log);
const names = (journal: Journal) => journal.entries().map(({ message }) => message);

beforeEach(() => {
  logged = rememberingLog();
  store = CredentialsStore.open(join(temporaryDirectory(), 'whatsapp.db'));
  onTestFinished(() => store.close());
});

describe('the journal of incoming stanzas', () => {
  it('returns each stanza to the next process, unchanged and in order', () => {
    const journal = open();
    for (const name of ['b', 'a', 'c']) journal.enter(name, randomBytes(32), NODE);
    expect(names(open())).toEqual(['b', 'a', 'c']);
    expect(open().entries()[0]?.node).toEqual(NODE);
  });

  it('stores a repeated message once, and again when it was encrypted again', () => {
    const journal = open();
    const digest = randomBytes(32);
    journal.enter('a', digest, NODE);
    journal.enter('a', digest, { ...NODE, attrs: { id: 'A', offline: '3' } });
    expect(names(journal)).toEqual(['a']);
    journal.enter('a', randomBytes(32), NODE);
    expect(names(journal)).toEqual(['a', 'a']);
    journal.settle('a');
    journal.flush();
    expect(names(journal)).toEqual([]);
  });

  it('deletes settled stanzas by itself, with the next stanza at the latest', async () => {
    const journal = open();
    journal.enter('a', randomBytes(32), NODE);
    journal.settle('a');
    journal.enter('b', randomBytes(32), NODE);
    expect(names(journal)).toEqual(['b']);
    journal.settle('b');
    await new Promise((resolve) => setImmediate(resolve));
    expect(names(journal)).toEqual([]);
  });

  it('drops with a warning what the core did not take in two weeks', () => {
    open().enter('old', randomBytes(32), NODE);
    now += 15 * 24 * HOUR;
    open().enter('new', randomBytes(32), NODE);
    expect(names(open())).toEqual(['new']);
    expect(logged.lines.map(({ msg }) => msg)).toContain(
      'Messages that the core did not take in two weeks were dropped',
    );
  });

  it('drops the oldest with a warning when thousands wait', () => {
    store.database.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4999)
      INSERT INTO stanzas (message, digest, node, at) SELECT n, randomblob(32), '{}', ${now} FROM numbers`);
    const journal = open();
    expect(names(journal)).toHaveLength(5_000);
    journal.enter('5000', randomBytes(32), NODE);
    expect(names(journal)).toHaveLength(4_501);
    expect(names(journal)[0]).toBe('500');
    expect(logged.lines.filter(({ level }) => level === 40)).toHaveLength(1);
  });

  it('is emptied with the account, which may be archived', () => {
    const journal = open();
    journal.enter('a', randomBytes(32), NODE);
    store.layAside(now);
    journal.forget();
    expect(names(journal)).toEqual([]);
  });

  it('returns no stanza for a row that does not parse', () => {
    const journal = open();
    journal.enter('a', randomBytes(32), NODE);
    store.database.prepare("UPDATE stanzas SET node = '{'").run();
    expect(journal.entries()).toMatchObject([{ message: 'a', node: undefined }]);
  });

  it('writes nothing after the database was closed, because an ending socket may still receive something', () => {
    const journal = open();
    store.close();
    expect(() => {
      journal.enter('a', randomBytes(32), NODE);
      journal.settle('a');
      journal.flush();
    }).not.toThrow();
  });
});
