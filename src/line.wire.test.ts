import BetterSqlite3 from 'better-sqlite3';
import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Person } from '../simulator/simulator.ts';
import { Simulator } from '../simulator/simulator.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { temporaryDirectory } from '../test/support/temporary.ts';
import type { LineState } from './channel/channel.ts';
import { systemClock } from './clock.ts';
import { loadBaseConfig } from './config.ts';
import { openInstance } from './instance.ts';
import { wireLine } from './line.ts';
import type { RegisteredGroup } from './store/groups.ts';
import { DEFAULT_TIMINGS } from './timings.ts';

let server: Simulator;
let peter: Person;
let rig: Awaited<ReturnType<typeof openLine>>;

beforeEach(async () => {
  server = await Simulator.start({ owner: { name: 'Maria' } });
  onTestFinished(() => server.close());
  peter = server.addPerson({ name: 'Peter' });
  rig = await openLine();
});

/** A paired line between the phones and a store of its own, when the hello has been said. */
async function openLine() {
  const root = temporaryDirectory();
  const config = loadBaseConfig({
    NANOCLAW_ROOT: root,
    WHATSAPP_URL: server.url,
    WHATSAPP_ROOT_KEY: server.rootKey,
    HOME: root,
  });
  const { paths, store, close } = await openInstance(config, silentLog);
  onTestFinished(close);
  const states: LineState[] = [];
  const line = wireLine({
    config,
    paths,
    store,
    clock: systemClock,
    newId: uuidv7,
    log: silentLog,
    timings: { ...DEFAULT_TIMINGS, reconnectFirstMs: 20, reconnectMaxMs: 100 },
    keepOfferingQr: false,
    onLine: (state) => {
      states.push(state);
      if (state.status === 'unpaired' && state.qr !== undefined) void server.scanQr(state.qr);
    },
  });
  onTestFinished(async () => {
    await line.delivery.stop();
    await line.channel.stop();
    line.stop();
  });
  await line.channel.start();
  await vi.waitFor(() => expect(states.at(-1)).toEqual({ status: 'open' }));
  await vi.waitFor(() => expect(store.outbox.counts().get('sent')).toBe(1));
  return { ...line, paths, store, states };
}

const chat = (jid: string): RegisteredGroup => ({
  jid,
  name: 'Family',
  folder: 'family',
  trigger: '@Andy',
  requiresTrigger: true,
  isMain: false,
  containerConfig: {},
});

describe('a registered group', () => {
  it('stays registered when the server once names no group at all', async () => {
    const { channel, store } = rig;
    const { jid } = server.createGroup({ subject: 'Family', members: [peter] });
    await vi.waitFor(() => expect(store.members.count(jid)).toBe(2));
    store.groups.add(chat(jid), 0);
    store.tasks.add({
      id: 'water',
      folder: 'family',
      chatJid: jid,
      prompt: 'water the plants',
      script: null,
      scheduleType: 'interval',
      scheduleValue: '60000',
      contextMode: 'group',
      nextRun: null,
      status: 'active',
      createdAt: new Date().toISOString(),
    });
    await channel.syncGroups();
    server.faults.hideGroups(1);
    expect(await channel.syncGroups()).toBe(0);
    expect(store.tasks.find('water')?.status).toBe('active');
    expect(store.members.count(jid)).toBe(2);
  });
});

describe('a connection that opens', () => {
  it('starts the delivery and is reported, although its own record cannot be written', async () => {
    const { paths, states, store } = rig;
    server.faults.goOffline();
    await vi.waitFor(() => expect(states.at(-1)?.status).toBe('connecting'));
    store.outbox.add(
      { chatJid: server.selfChat, message: { kind: 'text', text: 'late' }, source: 'reply' },
      0,
    );
    const database = new BetterSqlite3(paths.database);
    onTestFinished(() => void database.close());
    database.exec(`CREATE TRIGGER full_disk BEFORE INSERT ON router_state WHEN NEW.key = 'line'
      BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`);
    server.faults.comeBack();
    await server.waitFor(({ text }) => text === 'Andy: late');
    expect(states.at(-1)).toEqual({ status: 'open' });
    expect(store.state.get('line')).not.toBe('open');
  });
});

describe('a message that somebody’s phone requests again', () => {
  it('is sent again to its own chat, and to nobody else who knows its id', async () => {
    const { delivery, store } = rig;
    const eve = server.addPerson({ name: 'Eve' });
    store.outbox.add({ chatJid: peter.jid, message: { kind: 'text', text: 'for you' }, source: 'reply' }, 0);
    delivery.wake();
    const { id } = await server.waitFor(({ text }) => text === 'Andy: for you');
    const resentTo: string[] = [];
    server.on('stanza', ({ direction, node }) => {
      if (direction === 'in' && node.tag === 'message') resentTo.push(node.attrs.to ?? '');
    });
    // Handled in this order.
    for (const as of [eve, peter]) await server.askAgain(id, { as });
    await vi.waitFor(() => expect(resentTo).not.toEqual([]));
    const phones = [peter.jid, peter.lid];
    expect(resentTo.filter((to) => !phones.includes(to))).toEqual([]);
    expect(server.chat(eve.jid)).toEqual([]);
  });
});

describe('a reply to a message of the assistant', () => {
  it.each(['lid', 'pn', 'direct'] as const)(
    'triggers where its phone quotes the message, and a reply to the owner does not (%s)',
    async (where) => {
      const { delivery, store } = rig;
      const group = { subject: 'Family', members: [peter] };
      const jid = where === 'direct' ? peter.jid : server.createGroup({ ...group, addressing: where }).jid;
      store.groups.add(chat(jid), 0);
      const owners = await server.say({ chat: jid, text: 'typed by Maria' });
      store.outbox.add(
        { chatJid: jid, message: { kind: 'text', text: 'Dinner is at six.' }, source: 'reply' },
        0,
      );
      delivery.wake();
      const own = await server.waitFor(({ text }) => text === 'Andy: Dinner is at six.');
      await server.say({ chat: jid, as: peter, text: 'to Maria', quoted: owners.id });
      await server.say({ chat: jid, as: peter, text: 'and tomorrow?', quoted: own.id });
      const triggers = () =>
        store.messages
          .ofTurn(jid, 0, { before: 99, from: 99 })
          .map(({ text, isTrigger }) => [text, isTrigger]);
      await vi.waitFor(() =>
        expect(triggers()).toEqual([
          ['typed by Maria', 0],
          ['to Maria', 0],
          ['and tomorrow?', 1],
        ]),
      );
    },
  );
});

describe('a message that cannot be read', () => {
  it('is stored once when it was requested again', async () => {
    const { store } = rig;
    store.groups.add(chat(peter.jid), 0);
    server.faults.garbleMessages();
    for (const text of ['@Andy once more', 'and on']) await server.say({ chat: peter.jid, as: peter, text });
    const stored = () =>
      store.messages.ofTurn(peter.jid, 0, { before: 99, from: 99 }).map(({ text }) => text);
    await vi.waitFor(() => expect(stored()).toContain('@Andy once more'));
    await vi.waitFor(() => expect(server.devices()).toMatchObject([{ waiting: 0 }]));
    expect([...stored()].sort()).toEqual(['@Andy once more', 'and on']);
  });
});
