import type { ConnectionState } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { inspectCredentials } from './credentials.ts';
import { Rig } from './testing/rig.ts';

type Update = Partial<ConnectionState>;
/** What each socket of the line tells, in their order: one that is cut while it is closing tells it late. */
const tells: ((update: Update) => void)[] = vi.hoisted(() => []);
vi.mock('./socket.ts', async (importReal) => {
  const real = await importReal<typeof import('./socket.ts')>();
  const openSocket: typeof real.openSocket = (options) => {
    const socket = real.openSocket(options);
    const listeners: ((update: Update) => void)[] = [];
    const on = socket.ev.on.bind(socket.ev);
    socket.ev.on = (event, listener) => {
      if (event === 'connection.update') listeners.push(listener as (update: Update) => void);
      on(event, listener);
    };
    tells.push((update) => {
      for (const listener of listeners) listener(update);
    });
    return socket;
  };
  return { ...real, openSocket };
});

let rig: Rig<Simulator>;

beforeEach(async () => {
  tells.length = 0;
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

const closedWith = (statusCode: number) => ({
  connection: 'close' as const,
  lastDisconnect: {
    error: Object.assign(new Error('closed'), { output: { statusCode } }) as never,
    date: new Date(0),
  },
});

it.each([
  ['is unlinked', closedWith(401)],
  ['is taken over', closedWith(440)],
  ['closes', closedWith(428)],
  ['offers a QR', { qr: 'old' }],
  ['opens', { connection: 'open' as const }],
  ['is paired anew', { isNewLogin: true }],
])('a replaced socket that says it %s changes nothing', async (_, update) => {
  await rig.pair();
  const since = rig.listener.lines.length;
  rig.server.faults.dropConnections();
  await rig.listener.line('open', since);
  const told = rig.listener.lines.length;
  tells.at(-2)?.(update);
  expect(rig.channel.state).toEqual({ status: 'open' });
  await rig.server.say({ chat: rig.server.selfChat, text: 'still here' });
  await rig.listener.message('still here');
  expect(rig.listener.lines.slice(told)).toEqual([]);
  expect(rig.server.connections()).toBe(1);
  expect(inspectCredentials(rig.databaseFile)).toMatchObject({ status: 'paired' });
});
