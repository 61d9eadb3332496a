import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

/** Somebody says, edits, reacts, removes; the group then hears `last`. */
async function actAll(addressing: 'pn' | 'lid') {
  const { server } = rig;
  const peter = server.addPerson({ name: 'Peter' });
  const group = server.createGroup({ subject: 'Family', members: [peter], addressing });
  const { id } = await server.say({ chat: group.jid, as: peter, text: 'dinner at six' });
  await server.edit(id, 'dinner at seven');
  await server.react(id, '👍', { as: peter });
  await server.remove(id);
  await server.say({
    chat: group.jid,
    as: peter,
    text: '@Maria, @Peter: last',
    mentions: [server.owner, peter],
    wrap: 'ephemeral',
  });
  return { peter, group, id };
}

describe.each(['pn', 'lid'] as const)('what people do in a group addressed by %s', (addressing) => {
  const expectAll = async ({ peter, group, id }: Awaited<ReturnType<typeof actAll>>) => {
    const { listener } = rig;
    // The account's own name may not be known yet.
    const heard = () => listener.messages.find(({ text }) => text.endsWith(', @Peter: last'));
    await listener.until(heard, 'the last message');
    expect(listener.messages).toMatchObject([
      { id, text: 'dinner at six', senderJid: peter.jid },
      { text: 'reacted 👍', isContext: true, senderJid: peter.jid, replyTo: { id } },
      { mentionsAssistant: true, written: expect.stringMatching(/^@\d+, @\d+: last$/) },
    ]);
    expect(listener.changes).toMatchObject([
      { kind: 'edit', chatJid: group.jid, id, senderJid: peter.jid, text: 'dinner at seven' },
      { kind: 'delete', chatJid: group.jid, id, senderJid: peter.jid },
    ]);
    expect(rig.server.problems).toEqual([]);
  };

  it('is reported as it happens', async () => {
    await expectAll(await actAll(addressing));
  });

  it('is reported in the same way when all of it waited for the connection', async () => {
    await rig.channel.stop();
    const done = await actAll(addressing);
    rig.make();
    await rig.channel.start();
    await expectAll(done);
  });
});
