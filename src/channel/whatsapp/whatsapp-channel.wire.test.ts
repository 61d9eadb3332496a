import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { CredentialsDatabaseError, LineAwayError } from './errors.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

describe('pairing', () => {
  it('shows a QR code, restarts by itself after the scan and reports the account once', async () => {
    await rig.pair();
    const { owner } = rig.server;
    const { account, firstPairing } = await rig.listener.until(() => rig.listener.accounts[0], 'the account');
    expect(account).toMatchObject({ jid: owner.jid, selfChatJid: owner.jid });
    expect(firstPairing).toBe(true);
    expect(rig.server.problems).toEqual([]);
  });

  it('logs in after a restart with the same identity, and no longer reports it as the first pairing', async () => {
    await rig.pair();
    await rig.restart();
    await rig.listener.line('open');
    const { account, firstPairing } = await rig.listener.until(() => rig.listener.accounts[0], 'the account');
    expect(account.jid).toBe(rig.server.owner.jid);
    expect(firstPairing).toBe(false);
    expect(rig.server.devices()).toHaveLength(1);
  });
});

describe('text', () => {
  it('arrives from the self-chat and is sent to it', async () => {
    await rig.pair();
    await rig.server.say({ chat: rig.server.selfChat, text: '@Andy ping' });
    const message = await rig.listener.message('@Andy ping');
    expect(message).toMatchObject({
      chatJid: rig.server.selfChat,
      fromMe: true,
      isGroup: false,
      senderName: 'Maria',
    });
    const id = rig.channel.newWireId();
    const outcome = await rig.channel.send(rig.server.selfChat, { kind: 'text', text: 'Andy: pong' }, id);
    expect(outcome).toEqual({ kind: 'acked' });
    const line = await rig.server.waitFor((each) => each.text === 'Andy: pong');
    expect(line).toMatchObject({ id, byDevice: true });
    expect(rig.server.problems).toEqual([]);
  });
});

describe.each(['pn', 'lid'] as const)('a chat addressed by %s', (addressing) => {
  it('has the same name for the chat and the person, whoever writes', async () => {
    await rig.pair();
    const { server, listener } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    await server.say({ chat: peter.jid, as: peter, text: 'from Peter', addressing });
    await server.say({ chat: peter.jid, text: 'from the owner', addressing });
    await server.say({ chat: server.selfChat, text: 'to myself', addressing });
    await listener.message('to myself');
    const { owner } = server;
    expect(listener.messages).toMatchObject([
      { chatJid: peter.jid, senderJid: peter.jid, senderName: 'Peter', fromMe: false },
      { chatJid: peter.jid, senderJid: owner.jid, senderName: 'Maria', fromMe: true },
      { chatJid: owner.jid, senderJid: owner.jid, senderName: 'Maria', fromMe: true },
    ]);
  });

  it('delivers everybody’s messages in a group and sends ours', async () => {
    await rig.pair();
    const { server, listener, channel } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    const family = server.createGroup({ subject: 'Family', members: [peter], addressing });
    const asked = await server.say({ chat: family.jid, as: peter, text: 'dinner?' });
    await server.say({ chat: family.jid, text: 'yes', quoted: asked.id });
    expect(await listener.message('dinner?')).toMatchObject({
      chatJid: family.jid,
      senderJid: peter.jid,
      senderName: 'Peter',
      isGroup: true,
    });
    expect(await listener.message('yes')).toMatchObject({
      senderJid: server.owner.jid,
      fromMe: true,
      replyTo: { id: asked.id, senderName: 'Peter', text: 'dinner?' },
    });
    for (const text of ['at seven', 'sharp']) {
      const outcome = await channel.send(family.jid, { kind: 'text', text }, channel.newWireId());
      expect(outcome).toEqual({ kind: 'acked' });
    }
    expect(server.chat(family.jid).map((line) => line.text)).toEqual(['dinner?', 'yes', 'at seven', 'sharp']);
    expect(server.problems).toEqual([]);
  });
});

describe('a message that the assistant sent itself', () => {
  it('is not reported to the core as a message', async () => {
    await rig.pair();
    const chat = rig.server.selfChat;
    await rig.channel.send(chat, { kind: 'text', text: '@Andy echo' }, rig.channel.newWireId());
    await rig.server.say({ chat, text: 'later' });
    await rig.listener.message('later');
    expect(rig.listener.texts).toEqual(['later']);
  });
});

describe('groups', () => {
  it('are reported by name when the connection opens and when requested', async () => {
    const peter = rig.server.addPerson({ name: 'Peter' });
    const family = rig.server.createGroup({ subject: 'Family', members: [peter] });
    await rig.pair();
    const told = () => rig.listener.chats.filter(({ jid }) => jid === family.jid);
    await rig.listener.until(() => told()[0], 'the group');
    expect(told()[0]).toEqual({ jid: family.jid, name: 'Family', isGroup: true });
    const before = told().length;
    expect(await rig.channel.syncGroups()).toBe(1);
    expect(told().length).toBeGreaterThan(before);
  });

  it('are reported too when they are created while the connection is open', async () => {
    await rig.pair();
    const club = rig.server.createGroup({
      subject: 'Club',
      members: [rig.server.addPerson({ name: 'Peter' })],
    });
    await rig.listener.until(
      () => rig.listener.chats.find(({ jid, name }) => jid === club.jid && name === 'Club'),
      'it',
    );
  });

  it('cannot be requested while WhatsApp is disconnected: the error says so', async () => {
    await expect(rig.channel.syncGroups()).rejects.toThrow(LineAwayError);
    await rig.pair();
    await rig.channel.stop();
    await expect(rig.channel.syncGroups()).rejects.toThrow('not open now');
  });
});

describe('the self-chat', () => {
  it('is reported with the owner’s name as soon as that is known', async () => {
    await rig.pair();
    await rig.server.say({ chat: rig.server.selfChat, text: 'hello' });
    const { owner } = rig.server;
    await rig.listener.until(
      () => rig.listener.chats.find(({ jid, name }) => jid === owner.jid && name === 'Maria'),
      'it',
    );
  });
});

describe('credentials that are damaged', () => {
  it('fail the start with an error that names the fix, and nothing connects', async () => {
    writeFileSync(rig.databaseFile, 'not a database at all, by no means '.repeat(50));
    await expect(rig.channel.start()).rejects.toThrow(CredentialsDatabaseError);
    expect(rig.server.connections()).toBe(0);
    expect(rig.channel.state.status).toBe('connecting');
  });
});

describe('the log of the channel', () => {
  it('has no warning, error, message text or key after a healthy pairing and conversation', async () => {
    await rig.pair();
    await rig.server.say({ chat: rig.server.selfChat, text: 'a secret word' });
    await rig.listener.message('a secret word');
    await rig.channel.send(
      rig.server.selfChat,
      { kind: 'text', text: 'another secret' },
      rig.channel.newWireId(),
    );
    await rig.channel.stop();
    expect(rig.log).not.toMatch(/"level":[456]0/);
    expect(rig.log).not.toMatch(/secret|priv/i);
  });
});
