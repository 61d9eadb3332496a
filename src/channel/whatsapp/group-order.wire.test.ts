import { afterEach, beforeEach, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

it.each(['lid', 'pn'] as const)(
  'a group message that comes after a later one of its sender is decrypted without asking for it again (%s)',
  async (addressing) => {
    const { server, listener } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    const { jid: chat } = server.createGroup({ subject: 'Family', members: [peter], addressing });
    await server.say({ chat, as: peter, text: 'brings the sender key' });
    await server.say({ chat, as: peter, text: 'first', offline: true });
    await server.say({ chat, as: peter, text: 'second', offline: true });
    await server.say({ chat, as: peter, text: 'third' });
    await listener.message('third');
    const since = listener.lines.length;
    server.faults.dropConnections();
    await listener.message('second');
    await listener.line('open', since);
    expect(listener.texts).toEqual(['brings the sender key', 'third', 'first', 'second']);
    expect(server.problems).toEqual([]);
  },
);
