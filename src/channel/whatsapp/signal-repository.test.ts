import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addTransactionCapability, DEFAULT_CONNECTION_CONFIG } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CredentialsStore } from './credentials-store.ts';
import { Journal } from './journal.ts';
import { Plaintexts } from './plaintexts.ts';
import { durableSignalRepository } from './signal-repository.ts';

const GROUP = '120363000000000001@g.us';
const ME = '491511:7@s.whatsapp.net';
const SENDER_KEY = `${GROUP}::491511::7`;

let directory: string;
let store: CredentialsStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nanoclaw-keys-'));
  store = CredentialsStore.open(join(directory, 'whatsapp.db'));
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const durable = (onEncrypt: () => void = () => undefined) => {
  const journal = new Journal(store.database, { now: () => 0 }, pino({ level: 'silent' }));
  const plaintexts = new Plaintexts(journal, () => undefined);
  return durableSignalRepository({ store: store.keys, plaintexts, onEncrypt });
};

/** A repository as a socket has it, and the ratchet on disk at the moment at which Baileys would write to the wire. */
function rig(make: typeof DEFAULT_CONNECTION_CONFIG.makeSignalRepository) {
  const log = pino({ level: 'silent' });
  const keys = addTransactionCapability(store.keys, log, { maxCommitRetries: 1, delayBetweenTriesMs: 1 });
  const repository = make({ creds: store.creds, keys }, log);
  const onDisk = async () => (await store.keys.get('sender-key', [SENDER_KEY]))[SENDER_KEY]?.toString();
  const send = (fail = false) =>
    keys.transaction(async () => {
      await repository.encryptGroupMessage({ group: GROUP, meId: ME, data: Buffer.from('text') });
      if (fail) throw new Error('the line closed');
      return onDisk();
    }, ME);
  return { send, onDisk };
}

describe('the ratchet of a group', () => {
  it('is on disk before the message leaves, inside Baileys’ own transaction', async () => {
    const { send, onDisk } = rig(durable());
    const first = await send();
    expect(first).toBeDefined();
    expect(await onDisk()).toBe(first);
    const second = await send();
    expect(second).not.toBe(first);
    expect(await onDisk()).toBe(second);
  });

  it('is not on disk with Baileys alone, which is why the repository exists', async () => {
    const { send } = rig(DEFAULT_CONNECTION_CONFIG.makeSignalRepository);
    expect(await send()).toBeUndefined();
  });

  it('is not turned back when the send fails after the encryption', async () => {
    const { send, onDisk } = rig(durable());
    const first = await send();
    await expect(send(true)).rejects.toThrow('the line closed');
    const skipped = await onDisk();
    expect(skipped).not.toBe(first);
    expect(await send()).not.toBe(skipped);
  });

  it('reports to the send that something was encrypted', async () => {
    let times = 0;
    const { send } = rig(durable(() => (times += 1)));
    await send();
    expect(times).toBe(1);
  });
});
