import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Person, Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

const TEXT = '[a view-once message, which can only be opened on the phone]';

let rig: Rig<Simulator>;
let peter: Person;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  peter = rig.server.addPerson({ name: 'Peter' });
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

const picture = { kind: 'image', data: Buffer.from('picture') } as const;
const announced = { media: picture, wrap: 'viewOnceV2', onlyOnPhone: true } as const;

it.each(['lid', 'pn'] as const)(
  'a picture that only the phone can open is one message in a group addressed by %s, and its server gets its receipt',
  async (addressing) => {
    const { jid } = rig.server.createGroup({ subject: 'Family', members: [peter], addressing });
    const { id } = await rig.server.say({ ...announced, chat: jid, as: peter });
    expect(await rig.listener.message(TEXT)).toMatchObject({
      id,
      chatJid: jid,
      senderJid: peter.jid,
      senderName: 'Peter',
      isGroup: true,
    });
    await vi.waitFor(() => expect(rig.server.devices()).toMatchObject([{ waiting: 0 }]));
    expect(rig.server.problems).toEqual([]);
  },
);

it('a picture that only the phone can open is one message in a direct chat, also as part of the backlog', async () => {
  rig.server.faults.goOffline();
  await rig.server.say({ ...announced, chat: peter.jid, as: peter });
  rig.server.faults.comeBack();
  expect(await rig.listener.message(TEXT)).toMatchObject({ chatJid: peter.jid, fromMe: false });
  expect(rig.listener.texts).toEqual([TEXT]);
});
