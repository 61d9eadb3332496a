import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Person, Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

const LIST = '1764540000@broadcast';

let rig: Rig<Simulator>;
let peter: Person;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  peter = rig.server.addPerson({ name: 'Peter' });
  await rig.pair();
});

afterEach(async () => {
  await vi.waitFor(() => expect(rig.server.devices()[0]?.waiting).toBe(0));
  expect(rig.server.problems).toEqual([]);
  await rig.close();
});

describe.each(['pn', 'lid'] as const)('a broadcast list whose writer goes by %s', (addressing) => {
  it('brings its messages into the direct chat with the writer, where they can be answered', async () => {
    await rig.server.say({ chat: peter.jid, as: peter, text: 'hi all', broadcast: LIST, addressing });
    const { id, ...message } = await rig.listener.message('hi all');
    expect(message).toMatchObject({ chatJid: peter.jid, senderJid: peter.jid, isGroup: false });
    const quoted = { id, senderJid: peter.jid, text: 'hi all' };
    const answer = { kind: 'text', text: 'an answer', quoted } as const;
    await rig.channel.send(peter.jid, answer, rig.channel.newWireId());
    expect(await rig.server.waitFor(({ byDevice }) => byDevice)).toMatchObject({
      chat: peter.jid,
      quotedId: id,
    });
  });

  it('brings nothing that the owner sends to it, and its receipt names the owner', async () => {
    const said = { chat: peter.jid, text: '@Andy to all', broadcast: LIST, addressing };
    const { id } = await rig.server.say(said);
    await rig.server.say({ chat: peter.jid, as: peter, text: 'and on' });
    await rig.listener.message('and on');
    expect(rig.listener.texts).toEqual(['and on']);
    await vi.waitFor(() => expect(rig.server.receipts(id)).toMatchObject([{ type: 'sender', to: LIST }]));
  });
});
