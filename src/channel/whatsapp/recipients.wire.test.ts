import type { BinaryNode } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { oncePerDevice } from './recipients.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;
/** Every stanza that the server got. */
let received: BinaryNode[];

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  received = [];
  rig.server.on('stanza', ({ direction, node }) => {
    if (direction === 'in') received.push(node);
  });
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

const send = (chat: string) =>
  rig.channel.send(chat, { kind: 'text', text: 'hello' }, rig.channel.newWireId());

const within = (node: BinaryNode, tag: string) => {
  const children = Array.isArray(node.content) ? node.content : [];
  return children.find((child) => child.tag === tag);
};

/** The devices for which each message was encrypted. */
const recipients = () =>
  received
    .filter(({ tag }) => tag === 'message')
    .map((node) => {
      const each = within(node, 'participants')?.content;
      return Array.isArray(each) ? each.map(({ attrs }) => attrs.jid) : [];
    });

/** The devices whose keys were asked for. */
const asked = () =>
  received.flatMap((node) => {
    const users = within(node, 'key')?.content;
    return Array.isArray(users) ? users.map(({ attrs }) => attrs.jid) : [];
  });

describe('a message that is encrypted for each device', () => {
  it.each(['lid', 'number'] as const)(
    'is encrypted once for the phone in the own chat, at every send (by %s)',
    async (addressing) => {
      await rig.restart({ addressing });
      await rig.listener.line('open');
      const { jid, lid } = rig.server.owner;
      for (let n = 0; n < 3; n += 1) expect(await send(jid)).toEqual({ kind: 'acked' });
      expect(recipients()).toEqual(Array.from({ length: 3 }, () => [addressing === 'lid' ? lid : jid]));
    },
  );

  it.each(['lid', 'pn'] as const)(
    'brings the sender key of a group to all devices but its own, whose keys it does not request (%s)',
    async (addressing) => {
      const { owner } = rig.server;
      await rig.server.linkDevice();
      const peter = rig.server.addPerson({ name: 'Peter' });
      const { jid } = rig.server.createGroup({ subject: 'Family', members: [peter], addressing });
      for (let n = 0; n < 2; n += 1) expect(await send(jid)).toEqual({ kind: 'acked' });
      const [mine, his] = addressing === 'lid' ? [owner.lid, peter.lid] : [owner.jid, peter.jid];
      expect(recipients()).toEqual([expect.arrayContaining([mine, mine.replace('@', ':2@'), his]), []]);
      expect(recipients()[0]).toHaveLength(3);
      for (const own of [owner.lid, owner.jid]) expect(asked()).not.toContain(own.replace('@', ':1@'));
      expect(rig.server.chat(jid)).toHaveLength(2);
      expect(rig.server.problems).toEqual([]);
    },
  );

  it('is sent in a group of the owner alone', async () => {
    const { jid } = rig.server.createGroup({ subject: 'Notes', members: [] });
    expect(await send(jid)).toEqual({ kind: 'acked' });
    expect(recipients()).toEqual([[rig.server.owner.lid]]);
  });
});

describe('the recipients of a message', () => {
  const patch = oncePerDevice({ lid: (jid) => (/^(1|101)[:@]/.test(jid) ? '101@lid' : undefined) });
  const message = { conversation: 'hello' };

  it('have each device once, by number or by LID', async () => {
    const jids = ['1@s.whatsapp.net', '101@lid', '1:3@s.whatsapp.net', '101:3@lid', '2@s.whatsapp.net'];
    expect(await patch(message, jids)).toEqual(
      [jids[0], jids[2], jids[4]].map((recipientJid) => ({ recipientJid, message })),
    );
  });

  it('are left to Baileys when none is named twice', async () => {
    expect(await patch(message, ['1@s.whatsapp.net', '1:3@s.whatsapp.net', '2@s.whatsapp.net'])).toBe(
      message,
    );
    expect(await patch(message)).toBe(message);
  });
});
