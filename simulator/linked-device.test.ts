import type { AuthenticationCreds } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlainClient } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';
import type { LinkedCredentials } from './server/linking.ts';

let rig: Rig;
let linked: LinkedCredentials;
let client: PlainClient;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  linked = await rig.simulator.linkDevice();
  client = new PlainClient(rig.simulator.url, linked);
});

afterEach(async () => {
  await client.end();
  await rig.close();
});

/** Names and types, without the values that differ from one linking to the next. */
function shape(value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return typeof value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, shape(field)]));
}

describe('a device that is linked without a client', () => {
  it('logs in with no QR code, restart or upload of pre-keys', async () => {
    const { simulator } = rig;
    const uploads: unknown[] = [];
    simulator.on('stanza', ({ direction, node }) => {
      if (direction === 'in' && node.attrs.xmlns === 'encrypt' && node.attrs.type === 'set')
        uploads.push(node);
    });
    expect(simulator.devices()).toEqual([{ jid: linked.creds.me?.id, online: false, waiting: 0 }]);
    await client.open();
    const updates = client.seen.flatMap((seen) => (seen.kind === 'connection' ? [seen.update] : []));
    expect(updates.filter(({ qr, connection }) => qr !== undefined || connection === 'close')).toEqual([]);
    expect(uploads).toEqual([]);
    expect(simulator.devices()).toEqual([{ jid: linked.creds.me?.id, online: true, waiting: 0 }]);
    expect(simulator.problems).toEqual([]);
  });

  it('reads direct and group messages and is read by the phone', async () => {
    const { simulator } = rig;
    const { selfChat } = simulator;
    const peter = simulator.addPerson({ name: 'Peter' });
    const family = simulator.createGroup({ subject: 'Family', members: [peter] });
    const beforeLogin = await simulator.say({ chat: selfChat, text: 'written before the login' });
    await client.open();
    await client.received(beforeLogin.id);
    await simulator.say({ chat: peter.jid, as: peter, text: 'a direct text' });
    await client.message('a direct text');
    await simulator.say({ chat: family.jid, as: peter, text: 'a group text' });
    await client.message('a group text');
    for (const chat of [selfChat, peter.jid, family.jid]) {
      await client.socket.sendMessage(chat, { text: `to ${chat}` });
      const line = await simulator.waitFor((each) => each.chat === chat && each.byDevice);
      expect(line.text).toBe(`to ${chat}`);
    }
    expect(simulator.problems).toEqual([]);
  });

  it('has the credentials that a pairing and a first login leave', async () => {
    const paired = rig.client;
    await rig.pairAndOpen();
    await rig.eventually(() => paired.creds.accountSyncCounter > 0 && paired.creds.me?.name !== undefined);
    const comparable = ({ processedHistoryMessages, ...creds }: AuthenticationCreds): unknown => ({
      ...(shape(creds) as object),
      histories: processedHistoryMessages.length,
    });
    expect(comparable(linked.creds)).toEqual(comparable(paired.creds));
    await rig.eventually(() => Object.keys(paired.keys['app-state-sync-version'] ?? {}).length > 0);
    // A login writes the list of the own devices, each one anew.
    const { 'device-list': _, ...kept } = paired.keys;
    expect(Object.keys(linked.keys).sort()).toEqual(Object.keys(kept).sort());
    expect(Object.keys(linked.keys.session ?? {})).toEqual(Object.keys(kept.session ?? {}));
    for (const type of [
      'identity-key',
      'lid-mapping',
      'app-state-sync-key',
      'app-state-sync-version',
    ] as const)
      expect(linked.keys[type]).toEqual(kept[type]);
  });

  it('can belong to somebody other than the owner', async () => {
    const { simulator } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const other = new PlainClient(simulator.url, await simulator.linkDevice({ as: peter }));
    try {
      await other.open();
      await simulator.say({ chat: peter.jid, text: 'hello Peter' });
      await other.message('hello Peter');
      expect(simulator.devices().map(({ jid }) => jid)).toEqual([linked.creds.me?.id, other.creds.me?.id]);
      expect(simulator.problems).toEqual([]);
    } finally {
      await other.end();
    }
  });
});
