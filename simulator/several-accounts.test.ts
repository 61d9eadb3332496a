import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Person } from './accounts/person.ts';
import { PlainClient } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';

let rig: Rig;
let peter: Person;
let peters: PlainClient;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  peter = rig.simulator.addPerson({ name: 'Peter' });
  peters = new PlainClient(rig.simulator.url);
  await rig.pairAndOpen();
  await link(peters, peter);
});

afterEach(async () => {
  await peters.end();
  await rig.close();
});

async function link(client: PlainClient, as: Person): Promise<void> {
  const qr = await client.showQr();
  const closed = client.closed();
  await rig.simulator.scanQr(qr, { as });
  await closed;
  await client.open();
}

describe('two accounts with linked devices', () => {
  it('have each their own name and devices', () => {
    expect(peters.creds.me?.id).toBe(peter.jid.replace('@', ':1@'));
    expect(rig.client.creds.me?.id).toBe(rig.simulator.owner.jid.replace('@', ':1@'));
    expect(rig.simulator.devices()).toHaveLength(2);
    expect(rig.simulator.problems).toEqual([]);
  });

  it('write to each other directly, there and back, and neither sees the other’s self-chat', async () => {
    const { owner } = rig.simulator;
    await rig.client.socket.sendMessage(peter.jid, { text: 'hello Peter' });
    const heard = await peters.message('hello Peter');
    expect(heard.key).toMatchObject({ fromMe: false, remoteJid: owner.jid });
    expect(heard.pushName).toBe('Maria');
    await peters.socket.sendMessage(owner.jid, { text: 'hello Maria' });
    expect((await rig.client.message('hello Maria')).key).toMatchObject({
      fromMe: false,
      remoteJid: peter.jid,
    });
    await peters.socket.sendMessage(peter.jid, { text: 'note to self' });
    await rig.simulator.waitFor(({ text }) => text === 'note to self');
    const both = ['hello Peter', 'hello Maria'];
    expect(rig.simulator.chat(peter.jid).map(({ text }) => text)).toEqual(both);
    const seen = rig.simulator.chat(owner.jid, { as: peter });
    expect(seen.map(({ text, fromMe }) => [text, fromMe])).toEqual([
      ['hello Peter', false],
      ['hello Maria', true],
    ]);
    expect(rig.simulator.chat(peter.jid, { as: peter }).map(({ text }) => text)).toEqual(['note to self']);
    expect(rig.simulator.chat(owner.jid)).toEqual([]);
    expect(rig.simulator.problems).toEqual([]);
  });

  it.each(['lid', 'pn'] as const)('write in a group addressed by %s', async (addressing) => {
    const members = [peter];
    const { jid } = rig.simulator.createGroup({ subject: 'Family', members, addressing });
    await rig.client.socket.sendMessage(jid, { text: 'one' });
    const { key } = await peters.message('one');
    expect(key).toMatchObject({ fromMe: false, remoteJid: jid });
    await peters.socket.sendMessage(jid, { text: 'two' });
    await rig.client.message('two');
    await rig.client.socket.sendMessage(jid, { text: 'three' });
    await peters.message('three');
    await rig.simulator.say({ chat: jid, as: peter, text: 'from the phone' });
    await rig.client.message('from the phone');
    expect((await peters.message('from the phone')).key.fromMe).toBe(true);
    expect(rig.simulator.chat(jid).map(({ text }) => text)).toEqual([
      'one',
      'two',
      'three',
      'from the phone',
    ]);
    expect(rig.simulator.problems).toEqual([]);
  });

  it('receive only the chats that they are in', async () => {
    const anna = rig.simulator.addPerson({ name: 'Anna' });
    await rig.simulator.say({ of: peter, chat: anna.jid, text: 'Peter to Anna' });
    expect((await peters.message('Peter to Anna')).key).toMatchObject({ fromMe: true, remoteJid: anna.jid });
    const line = await rig.simulator.say({ of: peter, chat: anna.jid, as: anna, text: 'Anna to Peter' });
    await peters.message('Anna to Peter');
    await rig.simulator.react(line.id, '👍', { as: peter });
    await rig.simulator.say({ chat: peter.jid, as: peter, text: 'Peter to Maria' });
    await rig.client.message('Peter to Maria');
    const texts = rig.client.seen.map((seen) =>
      seen.kind === 'message' ? seen.message.message?.conversation : '',
    );
    expect(texts.filter(Boolean)).toEqual(['Peter to Maria']);
    const shown = rig.simulator.chat(anna.jid, { as: peter });
    expect(shown.map(({ text }) => text)).toEqual(['Peter to Anna', 'Anna to Peter']);
    expect(rig.simulator.chat(anna.jid)).toEqual([]);
  });

  it('request from each other again what they cannot read', async () => {
    await rig.client.end();
    await rig.client.open({ getMessage: async () => ({ conversation: 'second' }) });
    await rig.client.socket.sendMessage(peter.jid, { text: 'first' });
    await peters.message('first');
    await peters.end();
    peters.forgetSessions();
    await peters.open();
    await rig.client.socket.sendMessage(peter.jid, { text: 'second' });
    await peters.message('second');
  });

  it('keep their devices when the owner unlinks hers', async () => {
    await rig.simulator.faults.unlinkDevices();
    expect(rig.simulator.devices().map(({ jid }) => jid)).toEqual([peter.jid.replace('@', ':1@')]);
    await rig.simulator.say({ chat: peter.jid, text: 'still there?' });
    await peters.message('still there?');
  });
});

describe('two linked devices of one account', () => {
  it('receive each other’s messages and those typed on the phone', async () => {
    const second = new PlainClient(rig.simulator.url);
    await rig.client.socket.sendMessage(peter.jid, { text: 'before the second' });
    await link(second, rig.simulator.owner);
    await rig.eventually(() => rig.simulator.devices().every(({ waiting }) => waiting === 0));
    await rig.client.socket.sendMessage(peter.jid, { text: 'from the first' });
    expect((await second.message('from the first')).key).toMatchObject({
      fromMe: true,
      remoteJid: peter.jid,
    });
    await second.socket.sendMessage(rig.simulator.selfChat, { text: 'from the second' });
    expect((await rig.client.message('from the second')).key.fromMe).toBe(true);
    await rig.simulator.say({ chat: peter.jid, text: 'from the phone' });
    for (const each of [rig.client, second, peters]) await each.message('from the phone');
    await peters.socket.sendMessage(rig.simulator.owner.jid, { text: 'to both' });
    for (const each of [rig.client, second]) await each.message('to both');
    await second.end();
    expect(rig.simulator.problems).toEqual([]);
  });
});
