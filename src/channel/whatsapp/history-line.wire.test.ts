import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

const DAY_MS = 86_400_000;

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

describe('the history from before the device was linked', () => {
  it('names people and chats, and is never delivered as a message', async () => {
    const { server } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    const family = server.createGroup({ subject: 'Family', members: [peter] });
    for (let age = 3; age > 0; age -= 1) {
      server.addPast({ chat: peter.jid, as: peter, text: '@Andy old', at: Date.now() - age * DAY_MS });
      server.addPast({ chat: family.jid, as: peter, text: '@Andy old', at: Date.now() - age * DAY_MS });
      server.addPast({ chat: server.selfChat, text: '@Andy old', at: Date.now() - age * DAY_MS });
    }
    await rig.pair();
    const { listener } = rig;
    await listener.until(
      () => listener.chats.find(({ jid, lastActivity }) => jid === peter.jid && lastActivity !== undefined),
      'the chat with Peter',
    );
    await server.say({ chat: server.selfChat, text: 'new' });
    await listener.message('new');
    expect(listener.texts).toEqual(['new']);
    expect(listener.chats.map(({ jid }) => jid)).toContain(family.jid);
    expect(server.problems).toEqual([]);
  });
});
