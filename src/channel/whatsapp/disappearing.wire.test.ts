import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { trustMedia } from '../../../simulator/client/trust-media.ts';
import { type Person, Simulator } from '../../../simulator/simulator.ts';
import type { Outgoing } from '../channel.ts';
import { Rig } from './testing/rig.ts';

const DAY = 24 * 60 * 60;
const WEEK = 7 * DAY;

let rig: Rig<Simulator>;
let peter: Person;
let family: string;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  peter = rig.server.addPerson({ name: 'Peter' });
  family = rig.server.createGroup({ subject: 'Family', members: [peter] }).jid;
  await rig.pair();
});

afterEach(async () => {
  expect(rig.server.problems.filter(({ kind }) => kind !== 'retry asked')).toEqual([]);
  await rig.close();
});

const chatOf = (where: string) =>
  ({ direct: peter.jid, group: family, self: rig.server.selfChat })[where] ?? '';

async function sent(chat: string, message: Outgoing = { kind: 'text', text: 'an answer' }) {
  const id = rig.channel.newWireId();
  rig.sent.set(id, message);
  expect(await rig.channel.send(chat, message, id)).toEqual({ kind: 'acked' });
  return rig.server.waitFor((line) => line.id === id);
}

/** Waits until what was said before has been taken in. */
async function takenIn(chat: string): Promise<void> {
  const text = `to ${chat}, ${rig.listener.messages.length}`;
  await rig.server.say({ chat, text });
  await rig.listener.message(text);
}

describe.each(['direct', 'group', 'self'])('in a chat with disappearing messages (%s)', (where) => {
  it('texts disappear as the others do, also after a restart, until the timer ends', async () => {
    const chat = chatOf(where);
    await rig.server.setTimer(chat, DAY);
    await takenIn(chat);
    expect(await sent(chat)).toMatchObject({ expiration: DAY });
    await rig.restart();
    await rig.listener.line('open');
    await vi.waitFor(() => expect(rig.listener.groupLists).toHaveLength(1));
    expect(await sent(chat)).toMatchObject({ expiration: DAY });
    await rig.server.setTimer(chat, 0);
    await takenIn(chat);
    expect(await sent(chat)).not.toHaveProperty('expiration');
  });

  it('a file disappears too, and so does what quotes', async () => {
    onTestFinished(trustMedia());
    const chat = chatOf(where);
    await rig.server.setTimer(chat, WEEK);
    await takenIn(chat);
    const path = join(rig.directory, 'copy');
    writeFileSync(path, 'content');
    const file = { kind: 'file', path, bytes: 7, mimeType: 'text/plain', fileName: 'a' } as const;
    expect(await sent(chat, { ...file, as: 'document' })).toMatchObject({ expiration: WEEK });
    const { id, senderJid, text } = rig.listener.messages.at(-1) ?? { id: '', senderJid: '', text: '' };
    expect(await sent(chat, { kind: 'text', text: 'yes', quoted: { id, senderJid, text } })).toMatchObject({
      expiration: WEEK,
      quotedId: id,
    });
  });
});

it('the timer is read from a message where its setting was never seen', async () => {
  await rig.server.say({ chat: peter.jid, as: peter, text: 'hi', wrap: 'ephemeral' });
  await rig.listener.message('hi');
  expect(await sent(peter.jid)).toMatchObject({ expiration: WEEK });
});

it('a timer that was told under the LID of a person holds under the number', async () => {
  await rig.server.setTimer(peter.jid, DAY, { as: peter, addressing: 'lid' });
  await takenIn(peter.jid);
  expect(await sent(peter.jid)).toMatchObject({ expiration: DAY });
});

it.each(['direct', 'group'])(
  'a resend to a device that could not read the message has the timer (%s)',
  async (where) => {
    const chat = chatOf(where);
    await rig.server.setTimer(chat, DAY);
    await takenIn(chat);
    const { id } = await sent(chat);
    const again = new Promise<void>((resolve) => {
      rig.server.on('stanza', ({ direction, node }) => {
        if (direction === 'in' && node.tag === 'message' && node.attrs.id === id) resolve();
      });
    });
    await rig.server.askAgain(id, { as: peter });
    await again;
    await sent(chat);
    expect(rig.server.sends(id)).toBe(2);
  },
);

it('a stanza to a group names the timer of the group', async () => {
  const stanzas: (string | undefined)[] = [];
  rig.server.on('stanza', ({ direction, node }) => {
    if (direction === 'in' && node.tag === 'message') stanzas.push(node.attrs.expiration);
  });
  await sent(family);
  await rig.server.setTimer(family, DAY);
  await takenIn(family);
  await sent(family);
  expect(stanzas).toEqual([undefined, `${DAY}`]);
});
