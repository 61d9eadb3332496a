import { randomBytes } from 'node:crypto';
import { DEFAULT_CONNECTION_CONFIG, initAuthCreds, type WASocket } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { systemClock } from '../../clock.ts';
import { cut, openSocket } from './socket.ts';
import { Undecodable } from './undecodable.ts';
import { PINNED_VERSION } from './version.ts';

let simulator: Simulator;
let socket: WASocket;

const log = pino({ level: 'silent' });

beforeEach(async () => {
  simulator = await Simulator.start();
  socket = openSocket({
    url: simulator.url,
    rootKey: simulator.rootKey,
    version: PINNED_VERSION,
    auth: { creds: initAuthCreds(), keys: { get: () => ({}), set: () => undefined } },
    makeSignalRepository: DEFAULT_CONNECTION_CONFIG.makeSignalRepository,
    patchMessageBeforeSending: (message) => message,
    getMessage: async () => undefined,
    cachedGroupMetadata: async () => undefined,
    qrTimeoutMs: undefined,
    undecodable: new Undecodable('/nonexistent', systemClock, log),
    log,
  });
});

afterEach(async () => {
  await socket.end(undefined);
  await simulator.close();
});

/** The reason of the close. */
function closed(): Promise<Error | undefined> {
  return new Promise((resolve) => {
    socket.ev.on('connection.update', ({ connection, lastDisconnect }) => {
      if (connection === 'close') resolve(lastDisconnect?.error);
    });
  });
}

describe('a socket', () => {
  it('ends, but not the process, when bytes arrive that do not decrypt', async () => {
    await socket.waitForConnectionUpdate(async ({ qr }) => qr !== undefined);
    const reason = closed();
    socket.ws.emit('message', Buffer.concat([Buffer.from([0, 0, 40]), randomBytes(40)]));
    expect(await reason).toMatchObject({ name: 'BrokenStreamError' });
  });

  it('closes at once when it is cut', async () => {
    await socket.waitForConnectionUpdate(async ({ qr }) => qr !== undefined);
    const reason = closed();
    cut(socket);
    expect(await reason).toMatchObject({ output: { statusCode: 428 } });
  });

  it('names itself among the linked devices and stays in the background', () => {
    expect(socket.ws.config.browser).toEqual(['NanoClaw', 'Chrome', expect.any(String)]);
    expect(socket.ws.config).toMatchObject({
      markOnlineOnConnect: false,
      syncFullHistory: false,
      generateHighQualityLinkPreview: false,
    });
    const syncs = socket.ws.config.shouldSyncHistoryMessage({ syncType: 3 });
    expect(syncs).toBe(true);
  });
});
