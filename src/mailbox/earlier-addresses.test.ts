import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { wordsOf } from '../channel/channel.ts';
import type { MailboxResult } from '../protocol/host-files.ts';
import { FAMILY_JID, Rig } from './testing/rig.ts';

/** A person who was known by a LID until their number was learnt. */
const LID = '102@lid';
const NUMBER = '4915102@s.whatsapp.net';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
  rig.store.chats.note({ jid: LID, name: 'Peter', isGroup: false });
  rig.store.messages.add({
    id: 'said',
    chatJid: LID,
    sender: LID,
    senderName: 'Peter',
    text: 'hi',
    timestamp: 0,
    fromMe: false,
    isTrigger: false,
  });
  rig.store.samePerson.merge(LID, NUMBER);
});
afterEach(() => rig.close());

async function ask(file: Record<string, unknown>, directory: 'messages' | 'tasks'): Promise<MailboxResult> {
  await rig.drop('main', { ...file, requestId: 'r' }, directory);
  await rig.mailbox().drain('main');
  return rig.result('main', 'r');
}

const REGISTER = { type: 'register_group', name: 'Peter', folder: 'peter', trigger: '@Andy' };
const SCHEDULE = { type: 'schedule_task', prompt: 'x', schedule_type: 'interval', schedule_value: '3600000' };

it.each([
  ['a message', { type: 'message', text: 'hello' }],
  ['a file', { type: 'file', file: 'a.txt' }],
  ['a reaction', { type: 'reaction', emoji: '👍', messageId: 'said' }],
])('%s to an earlier address of a chat goes to its current one', async (_, file) => {
  await writeFile(join(rig.paths.groupIpc('main'), 'files', 'a.txt'), 'x');
  expect(await ask({ ...file, chatJid: LID }, 'messages')).toMatchObject({ ok: true });
  expect(rig.takeOutbox().map(({ chatJid, message }) => [chatJid, wordsOf(message) !== ''])).toEqual([
    [NUMBER, true],
  ]);
});

it('a chat that is registered by an earlier address is the one that messages arrive in', async () => {
  expect(await ask({ ...REGISTER, jid: LID }, 'tasks')).toEqual({ ok: true, folder: 'peter' });
  expect(rig.store.groups.inFolder('peter')?.jid).toBe(NUMBER);
});

it('a chat is changed and unregistered by an earlier address too', async () => {
  await ask({ ...REGISTER, jid: NUMBER }, 'tasks');
  expect(await ask({ ...REGISTER, jid: LID, trigger: '@Bob' }, 'tasks')).toMatchObject({ ok: true });
  expect(rig.store.groups.find(NUMBER)?.trigger).toBe('@Bob');
  expect(await ask({ type: 'unregister_group', jid: LID }, 'tasks')).toMatchObject({ ok: true });
  expect(rig.store.groups.inFolder('peter')).toBeUndefined();
});

it.each(['targetJid', 'chatJid'])(
  'a task whose %s is an earlier address belongs to its current chat',
  async (field) => {
    await ask({ ...REGISTER, jid: NUMBER }, 'tasks');
    expect(await ask({ ...SCHEDULE, [field]: LID }, 'tasks')).toMatchObject({ ok: true });
    expect(rig.store.tasks.ofFolder('peter')).toMatchObject([{ chatJid: NUMBER }]);
  },
);

it('a chat under an earlier address gets no rights of another chat', async () => {
  const file = { type: 'message', chatJid: LID, text: 'x', requestId: 'r' };
  await rig.drop('family', file);
  await rig.mailbox().drain('family');
  expect(await rig.result('family', 'r')).toMatchObject({ ok: false });
  rig.store.samePerson.merge('103@lid', FAMILY_JID);
  await rig.drop('family', { ...file, chatJid: '103@lid' });
  await rig.mailbox().drain('family');
  expect(rig.takeOutbox().map(({ chatJid }) => chatJid)).toEqual([FAMILY_JID]);
});
