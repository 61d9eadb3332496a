import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Curve } from '@whiskeysockets/baileys';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { HostProcess } from '../../simulator/demo/host-process.ts';
import { CredentialsStore } from '../../src/channel/whatsapp/credentials-store.ts';
import { silencePrivateKeys } from '../../src/channel/whatsapp/hardening.ts';
import { openStore } from '../../src/store/store.ts';
import { testProgram } from '../support/program.ts';
import { sharedDirectory } from '../support/sandbox.ts';
import { FAMILY } from '../support/test-store.ts';
import { isInstalled, loadCrabline } from './crabline.ts';
import { Relay } from './relay.ts';

const OWNER = '15550001111';
const PETER = '15551234567@s.whatsapp.net';
const GROUP = '120363001234567890@g.us';

/** What a pairing would have left behind: the foreign server knows none. */
function seed(root: string): void {
  const store = openStore(join(root, 'store', 'messages.db'));
  store.groups.add({ ...FAMILY, jid: PETER, name: 'Peter', folder: 'peter' }, 0);
  store.groups.add({ ...FAMILY, jid: GROUP }, 0);
  store.close();
  const account = CredentialsStore.open(join(root, 'store', 'whatsapp.db'));
  Object.assign(account.creds, {
    me: { id: `${OWNER}:1@s.whatsapp.net`, name: 'Ann' },
    account: {
      details: Buffer.from([1]),
      accountSignatureKey: Buffer.from(Curve.generateKeyPair().public),
      accountSignature: Buffer.alloc(64),
      deviceSignature: Buffer.alloc(64),
    },
  });
  account.save(account.creds);
  account.markGreeted();
  account.close();
}

/** The foreign server, the relay and a real host on seeded credentials. */
async function start() {
  const root = sharedDirectory();
  seed(root);
  const record = join(root, 'foreign.jsonl');
  const { startWhatsAppServer } = await loadCrabline();
  silencePrivateKeys();
  const selfJid = `${OWNER}@s.whatsapp.net`;
  const foreign = await startWhatsAppServer({ host: '127.0.0.1', port: 0, selfJid, recorderPath: record });
  onTestFinished(() => foreign.close());
  const { endpoints, adminToken } = foreign.manifest;
  const relay = await Relay.start(endpoints.baileysWebSocketUrl);
  onTestFinished(() => relay.close());
  const host = new HostProcess({
    root,
    whatsappUrl: relay.url,
    rootKey: relay.rootKey,
    onQr: () => undefined,
    program: testProgram('cli'),
  });
  onTestFinished(() => host.stop());
  await host.ready();
  const query = <Row>(sql: string): readonly Row[] => {
    const database = new BetterSqlite3(join(root, 'store', 'messages.db'), { readonly: true });
    try {
      return database.prepare<[], Row>(sql).all();
    } finally {
      database.close();
    }
  };
  return {
    relay,
    says: async (chatJid: string, text: string): Promise<void> => {
      const response = await fetch(endpoints.adminInboundUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
        body: JSON.stringify({ chatJid, senderJid: PETER, text }),
      });
      expect(response.status).toBe(200);
    },
    /** What the foreign server has accepted and could decrypt. */
    sent: (): readonly string[] =>
      readFileSync(record, 'utf8')
        .split('\n')
        .flatMap((line) => /"accepted":true.*"conversation":"([^"]*)"/.exec(line)?.[1] ?? []),
    stored: () => query<{ chat_jid: string; content: string }>('SELECT chat_jid, content FROM messages'),
    /** What the host would send again after a line that broke. */
    unconfirmed: () => query("SELECT 1 FROM outbox WHERE status <> 'sent'"),
  };
}

it.skipIf(!isInstalled() && process.env.TEST_FOREIGN_SERVER !== 'required')(
  'a WhatsApp server by others delivers texts from chats and groups and to a chat, before and after a reconnect',
  async () => {
    const { relay, says, sent, stored, unconfirmed } = await start();
    await says(GROUP, 'lunch at one');
    await expect.poll(stored).toContainEqual({ chat_jid: GROUP, content: 'lunch at one' });
    await says(PETER, '@Andy ping');
    await expect.poll(sent).toEqual(['Andy: pong']);
    await expect.poll(unconfirmed).toEqual([]);

    relay.cut();
    await expect.poll(() => relay.connections).toBeGreaterThanOrEqual(2);
    await says(PETER, '@Andy echo back again');
    await expect.poll(sent).toEqual(['Andy: pong', 'Andy: back again']);
  },
);
