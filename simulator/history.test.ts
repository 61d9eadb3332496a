import type { BaileysEventMap } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { textOf } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';
import { NotInChat } from './messages/saying.ts';

const DAY = 86_400_000;

let rig: Rig;
let told: BaileysEventMap['messaging-history.set'][];

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  told = [];
});

afterEach(async () => {
  await rig.close();
});

async function open(): Promise<void> {
  const from = rig.client.seen.length;
  const socket = rig.client.connect();
  socket.ev.on('messaging-history.set', (history) => told.push(history));
  await rig.client.until(
    'open',
    (seen) => (seen.kind === 'connection' && seen.update.connection === 'open') || undefined,
    from,
  );
}

it('the first login brings old messages of all chats in two parts, and none of them as a new message', async () => {
  const { simulator, client } = rig;
  const peter = simulator.addPerson({ name: 'Peter' });
  const anna = simulator.addPerson({ name: 'Anna' });
  const { jid: family } = simulator.createGroup({ subject: 'Family', members: [peter] });
  const start = Date.now() - 30 * DAY;
  simulator.addPast({ chat: peter.jid, as: peter, text: 'old question', at: start });
  simulator.addPast({ chat: peter.jid, text: 'old answer', at: start + DAY });
  simulator.addPast({ chat: family, as: peter, text: 'old news', at: start + 2 * DAY });
  simulator.addPast({ of: peter, chat: anna.jid, text: 'not hers', at: start });
  await rig.pair();
  await open();
  await rig.eventually(() => told.flatMap(({ messages }) => messages).length === 3);
  await simulator.say({ chat: peter.jid, as: peter, text: 'new question' });
  await client.message('new question');

  expect(told.map(({ messages }) => messages.map((message) => textOf(message)))).toEqual([
    ['old answer', 'old news'],
    ['old question'],
  ]);
  const [bootstrap, recent] = told;
  expect(bootstrap?.chats.map(({ id, name }) => [id, name])).toEqual([
    [peter.jid, 'Peter'],
    [family, 'Family'],
  ]);
  expect(bootstrap?.messages.map(({ key }) => key)).toMatchObject([
    { remoteJid: peter.jid, fromMe: true },
    { remoteJid: family, fromMe: false, participant: peter.lid },
  ]);
  expect(Number(recent?.messages[0]?.messageTimestamp)).toBe(Math.floor(start / 1000));
  const texts = client.seen.map((seen) => (seen.kind === 'message' ? textOf(seen.message) : undefined));
  expect(texts.filter(Boolean)).toEqual(['new question']);
  expect(simulator.chat(peter.jid).map(({ text }) => text)).toEqual([
    'old question',
    'old answer',
    'new question',
  ]);
  expect(simulator.problems).toEqual([]);
});

it('the history is not sent again at a later login', async () => {
  const { simulator, client } = rig;
  simulator.addPast({ chat: simulator.selfChat, text: 'old note', at: 1_000 });
  await rig.pair();
  await open();
  await rig.eventually(() => told.length === 1 && simulator.devices()[0]?.waiting === 0);
  await client.end();
  await open();
  await simulator.say({ chat: simulator.selfChat, text: 'now' });
  await client.message('now');
  expect(told).toHaveLength(1);
});

it('the history refuses a message of a person who is not in the chat', () => {
  const [peter, anna] = ['Peter', 'Anna'].map((name) => rig.simulator.addPerson({ name }));
  expect(() =>
    rig.simulator.addPast({ chat: peter?.jid ?? '', ...(anna && { as: anna }), text: 'x', at: 0 }),
  ).toThrow(NotInChat);
});
