import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Mailbox } from './mailbox.ts';
import { FAMILY_JID, MAIN_JID, Rig, SEEN_JID, WORK_JID } from './testing/rig.ts';

let rig: Rig;
let mailbox: Mailbox;
beforeEach(async () => {
  rig = await Rig.open();
  mailbox = rig.mailbox();
});
afterEach(() => rig.close());

async function send(folder: string, file: Record<string, unknown>): Promise<void> {
  await rig.drop(folder, { type: 'message', text: 'hello', ...file });
  await mailbox.drain(folder);
}

describe('a flood of messages', () => {
  const queued = () => rig.store.outbox.counts().get('queued') ?? 0;

  it('is refused beyond what may wait of one run, and its answers still go out', async () => {
    const run = { id: 'run', folder: 'main', chatJid: MAIN_JID, attempt: 1, firstSeq: 1, lastSeq: 1 };
    rig.store.runs.startChat(run, 0);
    for (let n = 0; n < 60; n++)
      await rig.message('main', `${n}`, { chatJid: n % 2 === 0 ? FAMILY_JID : WORK_JID });
    await mailbox.drain('main');
    expect(queued()).toBe(50);
    expect((await rig.reasons('main'))[0]).toMatch(/at most 50 of one run and 200 to one chat/);
    const message = { kind: 'text', text: 'answer' } as const;
    rig.store.outbox.add({ chatJid: FAMILY_JID, message, source: 'reply', runId: 'run' }, 0);
    expect(queued()).toBe(51);
  });

  it('is refused beyond what may wait for one chat, and other chats still get theirs', async () => {
    mailbox = rig.mailbox({ limits: { openPerChat: 3 } });
    for (let n = 0; n < 5; n++) await send('main', { chatJid: FAMILY_JID });
    await send('main', { chatJid: WORK_JID });
    expect(queued()).toBe(4);
  });

  it('never leaves once its chat is taken out', async () => {
    await send('main', { chatJid: FAMILY_JID });
    await send('main', { chatJid: WORK_JID });
    await rig.drop('main', { type: 'unregister_group', jid: FAMILY_JID }, 'tasks');
    await mailbox.drain('main');
    expect(rig.takeOutbox().map(({ chatJid }) => chatJid)).toEqual([WORK_JID]);
  });
});

describe('a message from the mailbox', () => {
  it('is put into the outbox for the group’s own chat, and its file is gone', async () => {
    await send('family', { chatJid: FAMILY_JID });
    expect(rig.takeOutbox()).toMatchObject([
      { chatJid: FAMILY_JID, source: 'message', runId: null, message: { kind: 'text', text: 'hello' } },
    ]);
    expect(await rig.waiting('family')).toEqual([]);
    expect(await rig.claims('family')).toEqual([]);
    expect(await rig.quarantined('family')).toEqual([]);
  });

  it('reaches the group’s own chat, and no other, by an address that was replaced', async () => {
    rig.store.samePerson.merge('family@lid', FAMILY_JID);
    rig.store.samePerson.merge('work@lid', WORK_JID);
    await send('family', { chatJid: 'family@lid' });
    await send('family', { chatJid: 'work@lid' });
    expect(rig.takeOutbox()).toMatchObject([{ chatJid: FAMILY_JID }]);
    expect(await rig.quarantined('family')).toHaveLength(1);
  });

  it('belongs to the run in its folder, and counts as its effect', async () => {
    rig.store.runs.startChat(
      { id: 'run-1', folder: 'family', chatJid: FAMILY_JID, attempt: 1, firstSeq: 1, lastSeq: 1 },
      Date.now(),
    );
    await send('family', { chatJid: FAMILY_JID, requestId: 'r1' });
    expect(rig.store.runs.leftEffects('run-1')).toBe(true);
    expect(rig.takeOutbox()).toMatchObject([{ runId: 'run-1' }]);
    expect(await rig.result('family', 'r1')).toEqual({ ok: true });
  });

  it('goes from main to any chat that is registered or was seen', async () => {
    for (const chatJid of [MAIN_JID, WORK_JID, SEEN_JID]) await send('main', { chatJid });
    expect(rig.takeOutbox().map(({ chatJid }) => chatJid)).toEqual([MAIN_JID, WORK_JID, SEEN_JID]);
  });

  it('shows the role that the agent speaks as, without characters that would break the line', async () => {
    await send('family', { chatJid: FAMILY_JID, sender: 'Chief*\nResearcher ' });
    await send('family', { chatJid: FAMILY_JID, sender: ' * ' });
    expect(rig.texts()).toEqual(['*Chief Researcher:* hello', 'hello']);
  });

  it('leaves out internal text, and is refused when nothing else is left', async () => {
    await send('family', { chatJid: FAMILY_JID, text: 'Hello <internal>a note</internal>' });
    await send('family', { chatJid: FAMILY_JID, text: '<INTERNAL>a note', requestId: 'r1' });
    expect(rig.texts()).toEqual(['Hello']);
    expect(await rig.result('family', 'r1')).toMatchObject({
      ok: false,
      error: expect.stringMatching(/text is empty/),
    });
  });

  it('becomes several messages when it is long, the role before the first', async () => {
    await send('family', { chatJid: FAMILY_JID, sender: 'Chief', text: 'A sentence. '.repeat(700) });
    const texts = rig.texts();
    expect(texts).toHaveLength(3);
    expect(texts.map((text) => text.startsWith('*Chief:* '))).toEqual([true, false, false]);
  });

  it('keeps the order of the file names', async () => {
    const numbers = Array.from({ length: 40 }, (_, number) => String(number).padStart(2, '0'));
    for (const number of numbers.toReversed()) {
      const file = { type: 'message', chatJid: FAMILY_JID, text: number };
      await writeFile(join(rig.directory('family'), `${number}.json`), JSON.stringify(file));
    }
    await mailbox.drain('family');
    expect(rig.texts()).toEqual(numbers);
  });
});

describe('a message of the chat', () => {
  const question = {
    id: 'Q1',
    chatJid: FAMILY_JID,
    sender: 'ann@example',
    senderName: 'Ann',
    text: 'What is for lunch?',
    timestamp: 0,
    fromMe: false,
    isTrigger: true,
  };

  it('is quoted by another one', async () => {
    rig.store.messages.add(question);
    await send('family', { chatJid: FAMILY_JID, quotedMessageId: 'Q1', requestId: 'r' });
    expect(rig.takeOutbox()).toMatchObject([
      { message: { quoted: { id: 'Q1', senderJid: 'ann@example', text: question.text } } },
    ]);
    expect(await rig.result('family', 'r')).toEqual({ ok: true });
  });

  it('is not quoted in another chat, and neither is an unknown one: the agent is notified', async () => {
    rig.store.messages.add(question);
    await send('work', { chatJid: WORK_JID, quotedMessageId: 'Q1', requestId: 'r' });
    expect(rig.takeOutbox()).toMatchObject([{ message: { kind: 'text', text: 'hello' } }]);
    expect(await rig.result('work', 'r')).toEqual({ ok: true, note: expect.stringContaining('without') });
  });

  it('gets a reaction, even one of the assistant itself, and the reaction can be removed', async () => {
    rig.store.messages.add(question);
    rig.store.state.set('account', MAIN_JID);
    const seq = rig.store.outbox.add(
      { chatJid: FAMILY_JID, message: { kind: 'text', text: 'Soup' }, source: 'reply' },
      0,
    );
    rig.store.outbox.beginSend(seq, 'OWN');
    rig.store.outbox.settle(seq, 'sent', 0);
    const react = { type: 'reaction', chatJid: FAMILY_JID };
    await send('family', { ...react, messageId: 'Q1', emoji: '❤️' });
    await send('family', { ...react, messageId: 'OWN', emoji: '' });
    expect(rig.takeOutbox().map(({ message }) => message)).toEqual([
      { kind: 'reaction', emoji: '❤️', target: { id: 'Q1', senderJid: 'ann@example', fromMe: false } },
      { kind: 'reaction', emoji: '', target: { id: 'OWN', senderJid: MAIN_JID, fromMe: true } },
    ]);
  });
});

describe('the mailbox', () => {
  it.each([
    ['a message of a group to another chat', 'family', { chatJid: WORK_JID }, 'Only the main channel'],
    [
      'a message of a group that claims to be main',
      'family',
      { chatJid: WORK_JID, groupFolder: 'main', isMain: true },
      'Only the main channel',
    ],
    ['a message of main to a chat that nobody knows', 'main', { chatJid: 'x@example' }, 'No chat'],
    ['a message of blanks', 'family', { chatJid: FAMILY_JID, text: ' \n ' }, 'empty'],
    ['a file that is not there', 'family', { type: 'file', chatJid: FAMILY_JID, file: 'a.pdf' }, 'no file'],
    ['a file of a path', 'family', { type: 'file', chatJid: FAMILY_JID, file: '../a' }, 'plain name'],
    ['a file to another chat', 'family', { type: 'file', chatJid: WORK_JID, file: 'a' }, 'Only the main'],
    [
      'a reaction to what nobody said',
      'family',
      { type: 'reaction', chatJid: FAMILY_JID, emoji: '👍', messageId: 'm' },
      'No message',
    ],
    [
      'a reaction in words',
      'family',
      { type: 'reaction', chatJid: FAMILY_JID, emoji: 'well done', messageId: 'm' },
      'one emoji',
    ],
    ['a text that is an object', 'family', { chatJid: FAMILY_JID, text: { a: 1 } }, 'text'],
    ['an unknown type', 'family', { type: 'reboot' }, 'unknown type'],
  ])('refuses, answers and quarantines %s', async (_, folder, file, words) => {
    await send(folder, { ...file, requestId: 'asked' });
    expect(rig.takeOutbox()).toEqual([]);
    expect(await rig.result(folder, 'asked')).toEqual({ ok: false, error: expect.stringContaining(words) });
    expect(await rig.reasons(folder)).toEqual([expect.stringContaining(words)]);
    expect(await rig.quarantined(folder)).toHaveLength(1);
    expect(await rig.claims(folder)).toEqual([]);
  });
});

it('a file whose requestId could be a path gets no answer', async () => {
  await send('family', { chatJid: FAMILY_JID, requestId: '../../../escaped' });
  expect(rig.takeOutbox()).toEqual([]);
  expect(await rig.reasons('family')).toEqual([expect.stringContaining('requestId')]);
});

it('a file in a folder that no registered group has is quarantined', async () => {
  await mkdir(rig.directory('stranger'), { recursive: true });
  await mkdir(rig.directory('stranger', 'tasks'), { recursive: true });
  await rig.drop('stranger', { type: 'message', chatJid: MAIN_JID, text: 'x', requestId: 'r' });
  await mailbox.start();
  expect(rig.takeOutbox()).toEqual([]);
  expect(await rig.reasons('stranger')).toEqual(['no registered group has this folder']);
});
