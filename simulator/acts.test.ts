import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';
import { NotAllowed, NotInChat, UnknownLine } from './messages/saying.ts';
import type { Addressing, ChatLine, Person } from './simulator.ts';

let rig: Rig;
let peter: Person;
let eve: Person;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  await rig.pairAndOpen();
  peter = rig.simulator.addPerson({ name: 'Peter' });
  eve = rig.simulator.addPerson({ name: 'Eve' });
});

afterEach(async () => {
  await rig.close();
});

const FORMS: readonly Addressing[] = ['pn', 'lid'];

/** Chats in which Peter speaks. */
const CHATS: readonly [string, () => string][] = [
  ['a direct chat', () => peter.jid],
  ['a group', () => rig.simulator.createGroup({ subject: 'Family', members: [peter, eve] }).jid],
];

function said(chat: string, text: string, as?: Person): Promise<ChatLine> {
  return rig.simulator.say({ chat, text, ...(as && { as }) });
}

describe.each(CHATS)('acts in %s', (_what, chat) => {
  it('an edit reaches the client with the new text', async () => {
    const { simulator, client } = rig;
    const line = await said(chat(), 'at six', peter);
    await client.received(line.id);
    const edited = await simulator.edit(line.id, 'at seven');
    expect(edited).toMatchObject({ id: line.id, text: 'at seven', edited: true });
    expect(simulator.chat(line.chat)).toEqual([edited]);
    const update = await client.changed(line.id);
    expect(update.message?.editedMessage?.message?.conversation).toBe('at seven');
    expect(simulator.problems).toEqual([]);
  });

  it('a removal by the author reaches the client', async () => {
    const { simulator, client } = rig;
    const line = await said(chat(), 'oops', peter);
    await simulator.remove(line.id);
    expect((await client.changed(line.id)).message).toBeNull();
    expect(simulator.chat(line.chat)).toMatchObject([{ id: line.id, removed: true, text: '' }]);
    expect(simulator.problems).toEqual([]);
  });

  it('a reaction and its end reach the client', async () => {
    const { simulator, client } = rig;
    const mine = await client.socket.sendMessage(chat(), { text: 'done' });
    const id = mine?.key.id ?? '';
    await simulator.waitFor((line) => line.id === id);
    // The client holds back its own for a moment, and folds into it what comes meanwhile.
    await client.received(id);
    await simulator.react(id, '👍', { as: peter });
    expect(
      simulator.chat(simulator.chat(peter.jid).length > 0 ? peter.jid : (mine?.key.remoteJid ?? '')),
    ).toMatchObject([{ reactions: [{ from: peter.jid, emoji: '👍' }] }]);
    const told = await client.until('a reaction', (seen) => (seen.kind === 'reaction' ? seen : undefined));
    expect(told.key).toMatchObject({ id, fromMe: true });
    expect(told.reaction.text).toBe('👍');
    const from = client.seen.length;
    await simulator.react(id, '', { as: peter });
    const end = await client.until('its end', (seen) => (seen.kind === 'reaction' ? seen : undefined), from);
    expect(end.reaction.text ?? '').toBe('');
    expect((await simulator.waitFor((line) => line.id === id)).reactions).toEqual([]);
    expect(simulator.problems).toEqual([]);
  });

  it('edits, removals and reactions of the client reach the chat', async () => {
    const { simulator, client } = rig;
    const where = chat();
    const line = await said(where, 'what is 2+2?', peter);
    const { key } = await client.received(line.id);
    await client.socket.sendMessage(where, { react: { text: '🤔', key } });
    await simulator.waitFor(({ id, reactions }) => id === line.id && reactions?.[0]?.emoji === '🤔');
    const answer = await client.socket.sendMessage(where, { text: '5' });
    const answerKey = answer?.key ?? {};
    await simulator.waitFor(({ id }) => id === answerKey.id);
    await client.socket.sendMessage(where, { text: '4', edit: answerKey });
    const edited = await simulator.waitFor(({ id, edited }) => id === answerKey.id && edited === true);
    expect(edited).toMatchObject({ text: '4', byDevice: true });
    await client.socket.sendMessage(where, { delete: answerKey });
    await simulator.waitFor(({ id, removed }) => id === answerKey.id && removed === true);
    expect(simulator.chat(where)).toHaveLength(2);
    expect(simulator.problems).toEqual([]);
  });
});

describe('a later act', () => {
  it('reaches the client as its own when the owner makes it on the phone', async () => {
    const { simulator, client } = rig;
    const line = await said(simulator.selfChat, 'milk');
    await simulator.edit(line.id, 'milk and bread');
    expect((await client.changed(line.id)).message?.editedMessage?.message?.conversation).toBe(
      'milk and bread',
    );
    await simulator.react(line.id, '✅');
    const told = await client.until('a reaction', (seen) => (seen.kind === 'reaction' ? seen : undefined));
    expect(told.reaction.key?.fromMe).toBe(true);
    expect(simulator.problems).toEqual([]);
  });

  it('waits with the backlog while the client is away, and arrives as one with its message', async () => {
    const { simulator, client } = rig;
    await client.end();
    await rig.eventually(() => simulator.connections() === 0);
    const line = await said(peter.jid, 'at six', peter);
    await simulator.edit(line.id, 'at seven');
    await client.open();
    const { message } = await client.received(line.id);
    expect(message?.editedMessage?.message?.conversation).toBe('at seven');
    expect(simulator.chat(peter.jid)).toMatchObject([{ text: 'at seven' }]);
  });

  it('is emitted as an event', async () => {
    const { simulator } = rig;
    const changes: string[] = [];
    simulator.on('change', ({ change, by, byDevice }) => changes.push(`${change} ${by} ${byDevice}`));
    const line = await said(peter.jid, 'one', peter);
    await simulator.edit(line.id, 'two');
    await simulator.react(line.id, '👍');
    await simulator.remove(line.id);
    const [his, hers] = [peter.jid, simulator.owner.jid];
    expect(changes).toEqual([`edited ${his} false`, `reaction ${hers} false`, `removed ${his} false`]);
  });

  it('removes another member’s message when an admin makes it', async () => {
    const { simulator, client } = rig;
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter, eve] });
    const line = await said(jid, 'spam', eve);
    await simulator.remove(line.id, { by: simulator.owner });
    expect((await client.changed(line.id)).message).toBeNull();
  });

  it('is refused to people without the right, and for messages that do not exist', async () => {
    const { simulator } = rig;
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter, eve] });
    const line = await said(jid, 'mine', eve);
    await expect(simulator.remove(line.id, { by: peter })).rejects.toThrow(NotAllowed);
    await expect(simulator.edit('X', 'text')).rejects.toThrow(UnknownLine);
    await simulator.remove(line.id);
    await expect(simulator.edit(line.id, 'text')).rejects.toThrow(UnknownLine);
    await expect(simulator.react(line.id, '👍')).rejects.toThrow(UnknownLine);
    const direct = await said(peter.jid, 'psst', peter);
    await expect(simulator.react(direct.id, '👍', { as: eve })).rejects.toThrow(NotInChat);
    const poll = await simulator.say({ chat: jid, poll: { question: 'when?', options: ['now', 'later'] } });
    await expect(simulator.edit(poll.id, 'text')).rejects.toThrow(NotAllowed);
  });

  it('is recorded as a problem when the client makes it on a message that is missing or not its own', async () => {
    const { simulator, client } = rig;
    const line = await said(peter.jid, 'his words', peter);
    const { key } = await client.received(line.id);
    await client.socket.sendMessage(peter.jid, { text: 'other words', edit: key });
    await client.socket.sendMessage(peter.jid, { react: { text: '👍', key: { ...key, id: 'NOWHERE' } } });
    await client.socket.sendMessage(peter.jid, { delete: key });
    await rig.eventually(() => simulator.problems.length === 3);
    expect(simulator.problems.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/edits what Peter said/),
      expect.stringMatching(/NOWHERE/),
      expect.stringMatching(/removes what Peter said/),
    ]);
    expect(simulator.chat(peter.jid)).toMatchObject([{ text: 'his words' }]);
  });
});

describe('a later act of the client', () => {
  it('removes another member’s message when the client is an admin', async () => {
    const { simulator, client } = rig;
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter, eve] });
    const line = await said(jid, 'spam', eve);
    const { key } = await client.received(line.id);
    await client.socket.sendMessage(jid, { delete: key });
    await simulator.waitFor(({ id, removed }) => id === line.id && removed === true);
    expect(simulator.problems).toEqual([]);
  });

  it('changes the message once when it is sent twice under one id', async () => {
    const { simulator, client } = rig;
    const line = await said(peter.jid, 'hello', peter);
    const { key } = await client.received(line.id);
    const changes: string[] = [];
    simulator.on('change', ({ change }) => changes.push(change));
    const reactionMessage = { key, text: '👍' };
    for (const _time of [1, 2])
      await client.socket.relayMessage(peter.jid, { reactionMessage }, { messageId: 'TWICE' });
    await client.socket.sendMessage(peter.jid, { text: 'after' });
    await simulator.waitFor(({ text }) => text === 'after');
    expect(simulator.sends('TWICE')).toBe(2);
    expect(changes).toEqual(['reaction']);
  });
});

it('the simulator marks stanzas with edits and removals as the client itself does', async () => {
  const { simulator, client } = rig;
  const { jid } = simulator.createGroup({ subject: 'Family', members: [peter, eve] });
  const marks: Record<'in' | 'out', (string | undefined)[]> = { in: [], out: [] };
  simulator.on('stanza', ({ direction, node }) => {
    if (node.tag === 'message' && node.attrs.edit) marks[direction].push(node.attrs.edit);
  });
  const spam = await said(jid, 'spam', eve);
  const mine = await said(jid, 'mine');
  await simulator.edit(mine.id, 'still mine');
  await simulator.remove(mine.id);
  await simulator.remove(spam.id, { by: simulator.owner });
  const second = await said(jid, 'more spam', eve);
  const { key: spamKey } = await client.received(second.id);
  const own = await client.socket.sendMessage(jid, { text: 'own' });
  const key = own?.key ?? {};
  await client.socket.sendMessage(jid, { text: 'still own', edit: key });
  await client.socket.sendMessage(jid, { delete: key });
  await client.socket.sendMessage(jid, { delete: spamKey });
  await simulator.waitFor(({ id, removed }) => id === second.id && removed === true);
  expect(marks).toEqual({ in: ['1', '7', '8'], out: ['1', '7', '8'] });
});

describe.each(FORMS)('mentions in a group addressed by %s', (addressing) => {
  it('are sent in its form and shown as names in the chat', async () => {
    const { simulator, client } = rig;
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter, eve], addressing });
    const mentions = [peter, simulator.owner];
    const line = await simulator.say({ chat: jid, as: eve, text: 'ask @Peter or @Maria', mentions });
    expect(line).toMatchObject({ text: 'ask @Peter or @Maria', mentions: [peter.jid, simulator.owner.jid] });
    const { message } = await client.received(line.id);
    const form = ({ jid: pn, lid }: Person): string => (addressing === 'pn' ? pn : lid);
    const [his, hers] = mentions.map((each) => form(each).replace(/@.*/, ''));
    expect(message?.extendedTextMessage?.text).toBe(`ask @${his} or @${hers}`);
    expect(message?.extendedTextMessage?.contextInfo?.mentionedJid).toEqual(mentions.map(form));
    await client.socket.sendMessage(jid, { text: `@${his} there you are`, mentions: [form(peter)] });
    const answer = await simulator.waitFor(({ byDevice }) => byDevice);
    expect(answer).toMatchObject({ text: '@Peter there you are', mentions: [peter.jid] });
  });
});
