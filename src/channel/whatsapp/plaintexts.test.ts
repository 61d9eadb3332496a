import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { CredentialsStore } from './credentials-store.ts';
import { Journal } from './journal.ts';
import { Plaintexts } from './plaintexts.ts';
import { keysWithTexts } from './signal-repository.ts';

const NOW = Date.UTC(2026, 0, 1);
const failing = () => Promise.reject(new Error('Key used already or never filled'));

let store: CredentialsStore;
let journal: Journal;
let plaintexts: Plaintexts;

function begin(): void {
  journal = new Journal(store.database, { now: () => NOW }, silentLog);
  plaintexts = new Plaintexts(journal, () => ({ id: '9:1@s.whatsapp.net' }));
}

beforeEach(() => {
  store = CredentialsStore.open(join(temporaryDirectory(), 'whatsapp.db'));
  onTestFinished(() => store.close());
  begin();
});

function stanza(
  ciphertext: Uint8Array,
  id: string,
  from = '1@s.whatsapp.net',
  category?: string,
): BinaryNode {
  const content = Buffer.from(ciphertext);
  const attrs = { id, from, ...(category !== undefined && { category }) };
  return { tag: 'message', attrs, content: [{ tag: 'enc', attrs: { type: 'msg' }, content }] };
}

function bytesOf({ content }: BinaryNode): Uint8Array {
  const bytes = Array.isArray(content) ? content[0]?.content : undefined;
  return bytes instanceof Uint8Array ? bytes : Buffer.alloc(0);
}

/** A message comes in, as often as it is called each time with bytes of its own. */
function arrives(ciphertext: Uint8Array, id: string, from?: string, category?: string): Uint8Array {
  const node = stanza(ciphertext, id, from, category);
  plaintexts.arrived(node);
  return bytesOf(node);
}

/** Decrypts in a transaction that stores a key at its end, as Baileys does. */
function read(ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const transaction = async (work: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const text = await work();
    await keysWithTexts(store, plaintexts).set({ session: { '1.0': Buffer.from('next step') } });
    return text;
  };
  return plaintexts.of(ciphertext, transaction, decrypt);
}

const reading = (text: string) => async () => Buffer.from(text);
const nameOf = (id: string) => journal.entries().find(({ node }) => node?.attrs.id === id)?.message ?? '';

describe('a message that arrives again', () => {
  const ciphertext = randomBytes(50);

  it('is read without its key, which was used up', async () => {
    await read(arrives(ciphertext, 'A'), reading('text'));
    expect(await read(arrives(ciphertext, 'A'), failing)).toEqual(Buffer.from('text'));
  });

  it('is read without its key in another process too', async () => {
    await read(arrives(ciphertext, 'A'), reading('text'));
    begin();
    expect(await read(arrives(ciphertext, 'A'), failing)).toEqual(Buffer.from('text'));
  });

  it('is decrypted again when the first try failed', async () => {
    await expect(read(arrives(ciphertext, 'A'), failing)).rejects.toThrow('Key used already');
    expect(await read(arrives(ciphertext, 'A'), reading('text'))).toEqual(Buffer.from('text'));
  });

  it.each([
    ['another id', 'B', undefined],
    ['another sender', 'A', '2@s.whatsapp.net'],
  ])('is not read under %s: that is a replay', async (_, id, from) => {
    await read(arrives(ciphertext, 'A'), reading('text'));
    await expect(read(arrives(ciphertext, id, from), failing)).rejects.toThrow('Key used already');
  });

  it('is not read from bytes that came without a message', async () => {
    await read(arrives(ciphertext, 'A'), reading('text'));
    await expect(read(Buffer.from(ciphertext), failing)).rejects.toThrow('Key used already');
  });

  it('gives no text after the core took it, is known as repeated, and leaves no text on disk', async () => {
    await read(arrives(ciphertext, 'A'), reading('a secret'));
    const name = nameOf('A');
    journal.settle(name);
    journal.flush();
    expect(store.database.prepare('SELECT value FROM plaintexts').all()).toEqual([{ value: null }]);
    begin();
    expect(await read(arrives(ciphertext, 'A'), failing)).toEqual(Uint8Array.of(1));
    expect([plaintexts.wasRepeated(name), plaintexts.wasRepeated(name)]).toEqual([true, false]);
    expect(journal.entries()).toEqual([]);
  });
});

describe('a ratchet step and its plaintext', () => {
  it('are committed together or not at all', async () => {
    const bytes = arrives(randomBytes(50), 'A');
    const interrupted = plaintexts.of(
      bytes,
      async (work) => {
        const text = await work();
        store.database.transaction(() => {
          plaintexts.writeWith();
          throw new Error('the disk is full');
        })();
        return text;
      },
      reading('text'),
    );
    await expect(interrupted).rejects.toThrow('the disk is full');
    expect(store.database.prepare('SELECT * FROM plaintexts').all()).toEqual([]);
    expect(await read(bytes, reading('text'))).toEqual(Buffer.from('text'));
    expect(store.database.prepare('SELECT COUNT(*) AS n FROM plaintexts').get()).toEqual({ n: 1 });
  });

  it('are one unit: a decryption in progress is visible', async () => {
    const seen: boolean[] = [];
    await read(arrives(randomBytes(50), 'A'), async () => {
      seen.push(plaintexts.isDecrypting);
      return Buffer.from('text');
    });
    expect([...seen, plaintexts.isDecrypting]).toEqual([true, false]);
  });
});

describe('a stanza without a recoverable plaintext', () => {
  it.each([undefined, 'text', Buffer.from('bytes')])('is harmless with content %s', (content) => {
    const attrs = { id: 'A', from: '1@s.whatsapp.net' };
    plaintexts.arrived({ tag: 'message', attrs, ...(content !== undefined && { content }) });
    expect(journal.entries()).toEqual([]);
  });

  it('is left to Baileys when it is malformed', () => {
    plaintexts.arrived(stanza(randomBytes(50), 'A', 'group@g.us'));
    plaintexts.arrived(stanza(randomBytes(50), '', '1@s.whatsapp.net'));
    expect(journal.entries()).toEqual([]);
  });

  it('keeps its text for Baileys when it is from one device of the account to another', async () => {
    const ciphertext = randomBytes(50);
    await read(arrives(ciphertext, 'A', '9@s.whatsapp.net', 'peer'), reading('keys'));
    expect(journal.entries()).toEqual([]);
    expect(await read(arrives(ciphertext, 'A', '9@s.whatsapp.net', 'peer'), failing)).toEqual(
      Buffer.from('keys'),
    );
  });
});
