import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';
import { newWireId } from './wire-id.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

it.each(['direct', 'group'])(
  'somebody with a username and no visible number is heard and answered like others (%s)',
  async (where) => {
    const { server, listener, channel } = rig;
    const peter = server.addPerson({ name: 'Peter', username: 'petey' });
    const chat =
      where === 'direct' ? peter.jid : server.createGroup({ subject: 'Family', members: [peter] }).jid;
    const { id } = await server.say({ chat, as: peter, text: '@Andy hello' });
    const heard = await listener.message('@Andy hello');
    expect(heard).toMatchObject({ senderJid: peter.lid, senderName: 'Peter' });
    expect(heard.chatJid).toBe(where === 'direct' ? peter.lid : chat);
    const quoted = { id, senderJid: peter.lid, text: '@Andy hello' };
    const wireId = newWireId(randomBytes);
    const answer = { kind: 'text', text: 'hello Peter', quoted } as const;
    expect(await channel.send(heard.chatJid, answer, wireId)).toEqual({ kind: 'acked' });
    expect(await server.waitFor((line) => line.byDevice)).toMatchObject({ chat, text: 'hello Peter' });
    await server.say({ chat, text: 'typed on the phone' });
    await listener.message('typed on the phone');
    expect(listener.samePersons).toEqual([]);
    expect(server.problems).toEqual([]);
  },
);
