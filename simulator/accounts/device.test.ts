import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Correspondent } from './device.ts';
import { PhoneDevice } from './device.ts';
import type { KeyBundle } from './key-bundle.ts';

const GROUP = '120363000000000000@g.us';
const anna = { jid: '4917001@s.whatsapp.net', lid: '200000000000001@lid', name: 'Anna' };
const bert = { jid: '4917002@s.whatsapp.net', lid: '200000000000002@lid', name: 'Bert' };

let annas: PhoneDevice;
let berts: PhoneDevice;

async function correspondent(phone: PhoneDevice): Promise<Correspondent> {
  const bundle: KeyBundle = await phone.bundle();
  return { lid: phone.owner.lid, takeBundle: () => bundle };
}

beforeEach(() => {
  annas = new PhoneDevice(anna);
  berts = new PhoneDevice(bert);
});

afterEach(() => {
  annas.close();
  berts.close();
});

it('a device begins a session with a pkmsg and continues with msg once there was an answer', async () => {
  const [toBert, toAnna] = [await correspondent(berts), await correspondent(annas)];
  const first = await annas.encrypt(toBert, { conversation: 'hello' });
  expect(first.type).toBe('pkmsg');
  expect(await berts.decrypt(anna.lid, first)).toMatchObject({ conversation: 'hello' });
  const answer = await berts.encrypt(toAnna, { conversation: 'hi' });
  expect(answer.type).toBe('msg');
  expect(await annas.decrypt(bert.lid, answer)).toMatchObject({ conversation: 'hi' });
  expect((await annas.encrypt(toBert, { conversation: 'so' })).type).toBe('msg');
});

it('a device sends the sender key only with its first message to a group', async () => {
  const toBert = await correspondent(berts);
  const first = await annas.encryptGroup(GROUP, anna.lid, toBert, { conversation: 'one' });
  expect(first.map(({ type }) => type)).toEqual(['pkmsg', 'skmsg']);
  const { senderKeyDistributionMessage } = await berts.decrypt(anna.lid, first[0]!);
  await berts.learnSenderKey(anna.lid, senderKeyDistributionMessage!);
  expect(await berts.decryptGroup(GROUP, anna.lid, first[1]!.ciphertext)).toMatchObject({
    conversation: 'one',
  });
  const second = await annas.encryptGroup(GROUP, anna.lid, toBert, { conversation: 'two' });
  expect(second.map(({ type }) => type)).toEqual(['skmsg']);
  expect(await berts.decryptGroup(GROUP, anna.lid, second[0]!.ciphertext)).toMatchObject({
    conversation: 'two',
  });
});

it('a device cannot read messages for others, nor any after it lost its sessions', async () => {
  const toBert = await correspondent(berts);
  const [, shared] = await annas.encryptGroup(GROUP, anna.lid, toBert, { conversation: 'one' });
  await expect(berts.decryptGroup(GROUP, anna.lid, shared!.ciphertext)).rejects.toThrow('No session');
  await berts.decrypt(anna.lid, await annas.encrypt(toBert, { conversation: 'hello' }));
  const answer = await berts.encrypt(await correspondent(annas), { conversation: 'hi' });
  annas.loseSessions();
  await expect(annas.decrypt(bert.lid, answer)).rejects.toThrow('No session record');
});
