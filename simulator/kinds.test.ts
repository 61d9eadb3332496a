import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';
import { BadSaying, type Saying } from './messages/saying.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  await rig.pairAndOpen();
});

afterAll(async () => {
  await rig.close();
});

type What = Omit<Saying, 'chat'>;

const KINDS: readonly [string, What, string, object][] = [
  [
    'a contact',
    { contact: { name: 'Doctor', number: '+49 170 1112233' } },
    '[contact: Doctor]',
    {
      contactMessage: {
        displayName: 'Doctor',
        vcard: expect.stringContaining('waid=491701112233:+491701112233'),
      },
    },
  ],
  [
    'a place',
    { location: { latitude: 52.5, longitude: 13.4, name: 'Berlin' } },
    '[location: Berlin]',
    { locationMessage: { degreesLatitude: 52.5, degreesLongitude: 13.4, name: 'Berlin' } },
  ],
  [
    'a place without a name',
    { location: { latitude: 52.5, longitude: 13.4 } },
    '[location: 52.5, 13.4]',
    { locationMessage: { degreesLatitude: 52.5 } },
  ],
  [
    'a poll',
    { poll: { question: 'Pizza?', options: ['yes', 'no'] } },
    '[poll: Pizza? yes / no]',
    { pollCreationMessageV3: { name: 'Pizza?', options: [{ optionName: 'yes' }, { optionName: 'no' }] } },
  ],
  [
    'a disappearing text',
    { text: 'gone soon', wrap: 'ephemeral' },
    'gone soon',
    { ephemeralMessage: { message: { extendedTextMessage: { text: 'gone soon' } } } },
  ],
  [
    'a text to be seen once',
    { text: 'look', wrap: 'viewOnceV2' },
    'look',
    { viewOnceMessageV2: { message: { conversation: 'look' } } },
  ],
  [
    'a raw message',
    { message: { liveLocationMessage: { degreesLatitude: 1, degreesLongitude: 2 } } },
    '[live location]',
    { liveLocationMessage: { degreesLatitude: 1 } },
  ],
];

it.each(KINDS)('a message of the kind %s reaches the client', async (_what, what, text, message) => {
  const { simulator, client } = rig;
  const line = await simulator.say({ chat: simulator.selfChat, ...what });
  expect(line.text).toBe(text);
  expect((await client.received(line.id)).message).toMatchObject(message);
  expect(simulator.problems).toEqual([]);
});

it('a reply to a poll quotes it unchanged', async () => {
  const { simulator, client } = rig;
  const chat = simulator.selfChat;
  const poll = await simulator.say({ chat, poll: { question: 'Tea?', options: ['yes', 'no'] } });
  const line = await simulator.say({ chat, text: 'yes!', quoted: poll.id });
  const context = (await client.received(line.id)).message?.extendedTextMessage?.contextInfo;
  expect(context?.quotedMessage?.pollCreationMessageV3?.name).toBe('Tea?');
});

it.each([
  ['polls', { poll: { name: 'When?', values: ['now', 'later'] } }, '[poll: When? now / later]'],
  ['places', { location: { degreesLatitude: 1, degreesLongitude: 2 } }, '[location: 1, 2]'],
])('the chat shows the client’s %s', async (_what, content, text) => {
  const { simulator, client } = rig;
  await client.socket.sendMessage(simulator.selfChat, content);
  await simulator.waitFor((line) => line.byDevice && line.text === text);
  expect(simulator.problems).toEqual([]);
});

it.each<[string, What]>([
  ['nothing', {}],
  ['two things', { text: 'x', contact: { name: 'A', number: '1' } }],
])('the simulator refuses a message of %s', async (_what, what) => {
  const { simulator } = rig;
  await expect(simulator.say({ chat: simulator.selfChat, ...what })).rejects.toThrow(BadSaying);
});
