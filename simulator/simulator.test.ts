import { once } from 'node:events';
import { Curve, NOISE_WA_HEADER } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { PlainClient } from './client/plain-client.ts';
import { AS_BEFORE } from './client/rig.ts';
import { trustRoot } from './client/trust-root.ts';
import { ConnectionLost } from './server/connection.ts';
import { BadDeviceSignature, QrMismatch } from './server/pairing.ts';
import { BadQr } from './server/qr.ts';
import { UnknownQr } from './server/server.ts';
import { Simulator } from './simulator.ts';
import { verifyXEdDSA } from './wire/xeddsa.ts';

let simulator: Simulator;
let client: PlainClient;
let distrust: () => void;

beforeEach(async () => {
  simulator = await Simulator.start({ owner: { name: 'Maria' }, rules: AS_BEFORE });
  distrust = trustRoot(simulator.rootKey);
  client = new PlainClient(simulator.url);
});

afterEach(async () => {
  await client.end();
  await simulator.close();
  distrust();
});

async function pair(): Promise<void> {
  const qr = await client.showQr();
  const closed = client.closed();
  await simulator.scanQr(qr);
  expect(await closed).toBe(515);
}

async function pairAndOpen(): Promise<void> {
  await pair();
  await client.open();
}

describe('pairing', () => {
  it('links a client that shows a QR code and restarts it with 515', async () => {
    await pair();
    expect(client.creds.me?.id).toBe(simulator.owner.jid.replace('@', ':1@'));
    expect(client.creds.me?.lid).toBe(simulator.owner.lid.replace('@', ':1@'));
    expect(simulator.devices()).toHaveLength(1);
  });

  it('lets the linked client log in with the credentials it kept', async () => {
    await pairAndOpen();
    expect(simulator.problems).toEqual([]);
  });
});

describe('a scanned QR code', () => {
  it('is refused when no client shows it, and when it is invalid', async () => {
    await expect(simulator.scanQr('hello')).rejects.toThrow(BadQr);
    await expect(simulator.scanQr('2@abc,AA==,AA==,AA==,1')).rejects.toThrow(UnknownQr);
  });

  it.each([
    [1, 'noise key'],
    [2, 'identity key'],
    [3, 'secret'],
  ])('is refused when part %i is not that of the client', async (part, what) => {
    const parts = (await client.showQr()).split(',');
    parts[part] = Buffer.from('something else').toString('base64');
    await expect(simulator.scanQr(parts.join(','))).rejects.toThrow(new QrMismatch(what));
    expect(simulator.devices()).toEqual([]);
  });

  it('is refused by the client when another secret made the seal', async () => {
    const parts = (await client.showQr()).split(',');
    parts[3] = Buffer.alloc(32, 7).toString('base64');
    await expect(simulator.scanQr(parts.join(','))).rejects.toThrow(ConnectionLost);
    expect(simulator.devices()).toEqual([]);
  });

  it('is replaced by others until it is scanned', async () => {
    const first = await client.showQr();
    await client.end();
    client.connect({ qrTimeout: 30 });
    const from = client.seen.length;
    const code = await client.closed(from);
    const codes = client.seen
      .slice(from)
      .map((seen) => (seen.kind === 'connection' ? seen.update.qr : undefined));
    expect(code).toBe(408);
    expect(new Set(codes.filter(Boolean)).size).toBe(6);
    expect(codes).not.toContain(first);
    await expect(simulator.scanQr(first)).rejects.toThrow(UnknownQr);
  });

  it('can be scanned again by another client, which becomes another device', async () => {
    await pairAndOpen();
    await client.end();
    const other = new PlainClient(simulator.url);
    const closed = other.closed();
    await simulator.scanQr(await other.showQr());
    await closed;
    await other.open();
    expect(other.creds.me?.id).toBe(simulator.owner.jid.replace('@', ':2@'));
    await simulator.say({ chat: simulator.selfChat, text: 'to both' });
    await other.message('to both');
    await other.end();
    await client.open();
    await client.message('to both');
    expect(simulator.problems).toEqual([]);
  });
});

describe('a client that violates the protocol', () => {
  it('is not linked when its own signature is wrong', async () => {
    const qr = await client.showQr();
    Object.assign(client.creds.signedIdentityKey, { private: Curve.generateKeyPair().private });
    const closed = client.closed();
    await expect(simulator.scanQr(qr)).rejects.toThrow(BadDeviceSignature);
    expect(await closed).toBe(500);
    expect(simulator.devices()).toEqual([]);
  });

  it('is refused when its signed pre-key is not signed by its identity', async () => {
    Object.assign(client.creds.signedPreKey, { signature: Buffer.alloc(64, 1) });
    client.connect();
    expect(await client.closed()).toBe(400);
    expect(simulator.problems).toMatchObject([
      { kind: 'failed', detail: expect.stringContaining('pre-key') },
    ]);
  });

  it.each([
    ['no protocol header', Buffer.from('hello')],
    ['no handshake', Buffer.concat([NOISE_WA_HEADER, Buffer.from([0, 0, 2, 0x12, 0])])],
  ])('is cut off when it sends %s', async (_what, data) => {
    const socket = new WebSocket(simulator.url);
    socket.once('open', () => socket.send(data));
    await once(socket, 'close');
    await vi.waitFor(() => expect(simulator.connections()).toBe(0));
    expect(simulator.problems).toMatchObject([{ kind: 'failed' }]);
  });
});

describe('a forged account signature', () => {
  const verify = Curve.verify;

  afterEach(() => {
    Curve.verify = verify;
  });

  it('is not noticed by unmodified Baileys', async () => {
    simulator.faults.forgeAccountSignature();
    await pair();
    expect(simulator.devices()).toHaveLength(1);
  });

  it('stops a client that really checks signatures', async () => {
    Curve.verify = verifyXEdDSA;
    simulator.faults.forgeAccountSignature();
    await expect(simulator.scanQr(await client.showQr())).rejects.toThrow(ConnectionLost);
    expect(simulator.devices()).toEqual([]);
    await pairAndOpen();
  });
});

describe('a message before the first login', () => {
  it('waits for the client', async () => {
    await pair();
    const peter = simulator.addPerson({ name: 'Peter' });
    await simulator.say({ chat: peter.jid, as: peter, text: 'already here' });
    await client.open();
    await client.message('already here');
    expect(simulator.problems).toEqual([]);
  });
});

describe('closing the simulator', () => {
  it('may happen twice, and frees the port', async () => {
    await Promise.all([simulator.close(), simulator.close()]);
    await simulator.closed;
    const again = await Simulator.start({ port: Number(new URL(simulator.url).port) });
    expect(again.url).toBe(simulator.url);
    await again.close();
  });
});

describe('the self-chat', () => {
  it('delivers the owner’s messages from the phone to the client', async () => {
    await pairAndOpen();
    await simulator.say({ chat: simulator.selfChat, text: 'hello me' });
    const message = await client.message('hello me');
    expect(message.key).toMatchObject({
      fromMe: true,
      remoteJid: simulator.selfChat,
      remoteJidAlt: simulator.owner.lid,
    });
    expect(simulator.problems).toEqual([]);
  });

  it('shows the client’s messages on the phone', async () => {
    await pairAndOpen();
    await client.socket.sendMessage(simulator.selfChat, { text: 'from the device' });
    const line = await simulator.waitFor(({ text }) => text === 'from the device');
    expect(line).toMatchObject({ chat: simulator.selfChat, fromMe: true, byDevice: true });
    expect(simulator.problems).toEqual([]);
  });
});
