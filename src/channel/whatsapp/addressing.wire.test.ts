import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BinaryNode } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { trustMedia } from '../../../simulator/client/trust-media.ts';
import { type Person, Simulator } from '../../../simulator/simulator.ts';
import type { Outgoing } from '../channel.ts';
import { Rig } from './testing/rig.ts';

const HELLO: Outgoing = { kind: 'text', text: 'hello' };

let rig: Rig<Simulator>;
let sent: BinaryNode[];

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  sent = [];
  rig.server.on('stanza', ({ direction, node }) => {
    if (direction === 'in' && ['message', 'chatstate'].includes(node.tag)) sent.push(node);
  });
  await rig.pair();
  sent.length = 0;
});

afterEach(async () => {
  await rig.close();
});

const send = (chat: string, message: Outgoing = HELLO, id = rig.channel.newWireId()) => {
  rig.sent.set(id, message);
  return rig.channel.send(chat, message, id);
};

/** Whose address each stanza had, and which phone number stood beside it. */
const addresses = () => sent.map(({ attrs }) => [attrs.to, attrs.peer_recipient_pn]);

/** Somebody whose LID is known because they have written. */
async function somebodyKnown(): Promise<{ peter: Person; question: string }> {
  const peter = rig.server.addPerson({ name: 'Peter' });
  const { id } = await rig.server.say({ chat: peter.jid, as: peter, text: 'question' });
  await rig.listener.message('question');
  return { peter, question: id };
}

describe('a direct message', () => {
  it('goes to the LID of the owner in their own chat, with the number beside it, and the phone shows it', async () => {
    const { jid, lid } = rig.server.owner;
    expect(await send(jid)).toEqual({ kind: 'acked' });
    expect(await rig.server.waitFor(({ byDevice }) => byDevice)).toMatchObject({ chat: jid, text: 'hello' });
    expect(addresses()).toEqual([[lid, jid]]);
    expect(rig.server.problems).toEqual([]);
  });

  it('goes to the LID of somebody who has written, also as a quote, a reaction and a file', async () => {
    onTestFinished(trustMedia());
    const { peter, question } = await somebodyKnown();
    const path = join(rig.directory, 'copy');
    writeFileSync(path, 'content');
    const target = { id: question, senderJid: peter.jid, fromMe: false };
    const quoted = { id: question, senderJid: peter.jid, text: 'question' };
    const messages: Outgoing[] = [
      HELLO,
      { kind: 'text', text: 'answer', quoted },
      { kind: 'reaction', emoji: '👍', target },
      { kind: 'file', path, bytes: 7, as: 'document', mimeType: 'text/plain', fileName: 'a', quoted },
    ];
    for (const message of messages) expect(await send(peter.jid, message)).toEqual({ kind: 'acked' });
    expect(addresses()).toEqual(messages.map(() => [peter.lid, peter.jid]));
    await rig.server.waitFor(({ media }) => media !== undefined);
    expect(rig.server.chat(peter.jid)).toMatchObject([
      { text: 'question', reactions: [{ emoji: '👍' }] },
      { text: 'hello' },
      { text: 'answer', quotedId: question },
      { quotedId: question },
    ]);
    expect(rig.server.problems).toEqual([]);
  });

  it('goes to the number of somebody whose LID is not known', async () => {
    const peter = rig.server.addPerson({ name: 'Peter' });
    expect(await send(peter.jid)).toEqual({ kind: 'acked' });
    expect(addresses()).toEqual([[peter.jid, undefined]]);
  });

  it('keeps the address of its first send when it is repeated after a restart and the LID is known by then', async () => {
    const peter = rig.server.addPerson({ name: 'Peter' });
    const id = rig.channel.newWireId();
    await send(peter.jid, HELLO, id);
    await rig.server.say({ chat: peter.jid, as: peter, text: 'question' });
    await rig.listener.message('question');
    await rig.restart();
    await rig.listener.line('open');
    await send(peter.jid, HELLO, id);
    await send(peter.jid);
    expect(addresses()).toEqual([
      [peter.jid, undefined],
      [peter.jid, undefined],
      [peter.lid, peter.jid],
    ]);
  });

  it.each(['the own', 'another'])(
    'is sent once more when the phone in %s chat cannot read it',
    async (whose) => {
      const { peter } = await somebodyKnown();
      const { jid, lid } = whose === 'the own' ? rig.server.owner : peter;
      await send(jid);
      sent.length = 0;
      await rig.server.faults.loseSessions();
      await send(jid, { kind: 'text', text: 'once more' });
      await rig.server.waitFor(({ text }) => text === 'once more');
      await vi.waitFor(() => expect(sent.length).toBeGreaterThan(1));
      for (const { attrs } of sent) expect(attrs.to).toBe(lid);
      expect(rig.server.problems.map(({ kind }) => kind)).not.toContain('not shown');
    },
  );

  it.each(['the own', 'another'])(
    'is found by its LID when the phone in %s chat requests it after a restart',
    async (whose) => {
      const { peter } = await somebodyKnown();
      const person = whose === 'the own' ? rig.server.owner : peter;
      const id = rig.channel.newWireId();
      await send(person.jid, HELLO, id);
      await rig.server.waitFor((line) => line.id === id);
      await rig.restart({
        recallSent: (wireId, chat) => (chat === person.jid ? rig.sent.get(wireId) : undefined),
      });
      await rig.listener.line('open');
      await rig.server.askAgain(id, { as: person });
      await vi.waitFor(() => expect(rig.server.sends(id)).toBe(2));
      expect(sent.map(({ attrs }) => attrs.to)).toEqual([person.lid, person.lid]);
      expect(rig.server.chat(person.jid).filter((line) => line.id === id)).toHaveLength(1);
      expect(rig.server.problems).toEqual([]);
    },
  );

  it('goes to the number everywhere when that is configured, and the phone does not show the own chat', async () => {
    const { peter } = await somebodyKnown();
    await rig.restart({ addressing: 'number' });
    await rig.listener.line('open');
    await send(peter.jid);
    await send(rig.server.selfChat);
    expect(addresses()).toEqual([
      [peter.jid, undefined],
      [rig.server.selfChat, undefined],
    ]);
    await vi.waitFor(() => expect(rig.server.problems).toMatchObject([{ kind: 'not shown' }]));
  });
});

describe('typing', () => {
  it('is shown to the LID where it is known', async () => {
    const { peter } = await somebodyKnown();
    await rig.listener.until(() => rig.listener.chats.find(({ name }) => name === 'Maria'), 'the name');
    await rig.channel.setTyping(peter.jid, true);
    await vi.waitFor(() => expect(rig.server.typing()).toEqual([peter.jid]));
    expect(addresses()).toEqual([[peter.lid, undefined]]);
  });
});
