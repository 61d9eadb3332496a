import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnknownJid } from './accounts/directory.ts';
import { STATUS_DELIVERED } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';
import { NotInChat, UnknownLine } from './messages/saying.ts';
import type { Addressing } from './simulator.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  await rig.pairAndOpen();
});

afterEach(async () => {
  await rig.close();
});

const FORMS: readonly Addressing[] = ['pn', 'lid'];

describe.each(FORMS)('a direct chat addressed by %s', (addressing) => {
  it('delivers the other person’s messages, with the other form of the address beside it', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    await simulator.say({ chat: peter.jid, as: peter, text: 'first', addressing });
    await simulator.say({ chat: peter.jid, as: peter, text: 'second', addressing });
    const first = await client.message('first');
    const second = await client.message('second');
    const [name, other] = addressing === 'pn' ? [peter.jid, peter.lid] : [peter.lid, peter.jid];
    for (const { key, pushName } of [first, second]) {
      expect(key).toMatchObject({ remoteJid: name, remoteJidAlt: other, fromMe: false });
      expect(pushName).toBe('Peter');
    }
    expect(simulator.problems).toEqual([]);
  });

  it('delivers the messages that the owner writes on the phone', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    await simulator.say({ chat: peter.jid, text: 'from my phone', addressing });
    const { key } = await client.message('from my phone');
    expect(key).toMatchObject({ remoteJid: addressing === 'pn' ? peter.jid : peter.lid, fromMe: true });
    expect(simulator.problems).toEqual([]);
  });

  it('shows the client’s messages once, and confirms them', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const to = addressing === 'pn' ? peter.jid : peter.lid;
    const sent = await client.socket.sendMessage(to, { text: 'hello Peter' });
    const id = sent?.key.id ?? '';
    const line = await simulator.waitFor((each) => each.id === id);
    expect(line).toMatchObject({ chat: peter.jid, from: simulator.owner.jid, fromMe: true, byDevice: true });
    expect(line.text).toBe('hello Peter');
    expect(simulator.chat(peter.jid)).toHaveLength(1);
    await client.socket.sendMessage(to, { text: 'again' });
    await simulator.waitFor(({ text }) => text === 'again');
    expect(simulator.problems).toEqual([]);
  });
});

describe('a conversation', () => {
  it('works both ways in one session', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    for (const n of [1, 2, 3]) {
      await simulator.say({ chat: peter.jid, as: peter, text: `question ${n}` });
      await client.message(`question ${n}`);
      await client.socket.sendMessage(peter.jid, { text: `answer ${n}` });
      await simulator.waitFor(({ text }) => text === `answer ${n}`);
    }
    const texts = simulator.chat(peter.lid).map(({ text }) => text);
    expect(texts).toEqual(['question 1', 'answer 1', 'question 2', 'answer 2', 'question 3', 'answer 3']);
    expect(simulator.problems).toEqual([]);
  });

  it('keeps the order of many messages sent at once', async () => {
    const { simulator, client } = rig;
    const texts = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    await Promise.all(texts.map((text) => simulator.say({ chat: simulator.selfChat, text })));
    await client.message('line 29');
    const seen = client.seen
      .filter((each) => each.kind === 'message')
      .map(({ message }) => message.message?.conversation);
    expect(seen.filter((text) => text?.startsWith('line'))).toEqual(texts);
  });

  it('quotes messages in both directions', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const question = await simulator.say({ chat: peter.jid, as: peter, text: 'tea or coffee?' });
    const received = await client.message('tea or coffee?');
    await client.socket.sendMessage(peter.jid, { text: 'tea' }, { quoted: received });
    const answer = await simulator.waitFor(({ text }) => text === 'tea');
    expect(answer.quotedId).toBe(question.id);
    await simulator.say({ chat: peter.jid, as: peter, text: 'good', quoted: answer.id });
    const context = (await client.message('good')).message?.extendedTextMessage?.contextInfo;
    expect(context).toMatchObject({ stanzaId: answer.id, participant: simulator.owner.jid });
    expect(context?.quotedMessage?.conversation).toBe('tea');
  });

  it('confirms to the client that a phone has its message', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const sent = await client.socket.sendMessage(peter.jid, { text: 'did you get this?' });
    const id = sent?.key.id ?? '';
    await client.until('delivery', (seen) => {
      const known = seen.kind === 'message' && seen.message.key.id === id ? seen.message.status : undefined;
      const told = seen.kind === 'update' && seen.id === id ? seen.status : undefined;
      return known === STATUS_DELIVERED || told === STATUS_DELIVERED || undefined;
    });
  });

  it('is refused by the server when the group does not exist', async () => {
    const { simulator, client } = rig;
    const group = simulator.createGroup({ subject: 'Real', members: [] });
    const metadata = await client.socket.groupMetadata(group.jid);
    await client.end();
    await client.open({ cachedGroupMetadata: async () => metadata });
    const sent = await client.socket.sendMessage('120363999999999999@g.us', { text: 'anybody?' });
    await client.refused(sent?.key.id ?? '');
    expect(simulator.problems).toMatchObject([{ kind: 'refused' }]);
  });

  it('records the receipts of the client', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const line = await simulator.say({ chat: peter.jid, as: peter, text: 'read me' });
    const { key } = await client.message('read me');
    await client.socket.readMessages([key]);
    await rig.eventually(() => simulator.receipts(line.id).length === 2);
    expect(simulator.receipts(line.id).map(({ type }) => type)).toEqual(['inactive', 'read']);
  });

  it('refuses a speaker who is not in the chat, an unknown chat and an unknown quote', async () => {
    const { simulator } = rig;
    const [peter, eve] = [simulator.addPerson({ name: 'Peter' }), simulator.addPerson({ name: 'Eve' })];
    const group = simulator.createGroup({ subject: 'Closed', members: [peter] });
    await expect(simulator.say({ chat: peter.jid, as: eve, text: 'hi' })).rejects.toThrow(NotInChat);
    await expect(simulator.say({ chat: group.jid, as: eve, text: 'hi' })).rejects.toThrow(NotInChat);
    await expect(simulator.say({ chat: 'nobody@g.us', text: 'hi' })).rejects.toThrow(UnknownJid);
    await expect(simulator.say({ chat: peter.jid, text: 'hi', quoted: 'X' })).rejects.toThrow(UnknownLine);
    expect(simulator.chat(peter.jid)).toEqual([]);
  });
});

describe('the self-chat addressed by LID', () => {
  it('reaches the client and is the same chat', async () => {
    const { simulator, client } = rig;
    await simulator.say({ chat: simulator.selfChat, text: 'note to self', addressing: 'lid' });
    const { key } = await client.message('note to self');
    const { jid, lid } = simulator.owner;
    expect(key).toMatchObject({ fromMe: true, remoteJid: lid, remoteJidAlt: jid });
    await client.socket.sendMessage(lid, { text: 'noted' });
    const line = await simulator.waitFor(({ text }) => text === 'noted');
    expect(line.chat).toBe(jid);
    expect(simulator.chat(lid)).toHaveLength(2);
    expect(simulator.problems).toEqual([]);
  });
});

describe.each(FORMS)('a group addressed by %s', (addressing) => {
  it('delivers the messages of members and owner, and the client’s answers', async () => {
    const { simulator, client } = rig;
    const [peter, anna] = [simulator.addPerson({ name: 'Peter' }), simulator.addPerson({ name: 'Anna' })];
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter, anna], addressing });
    const name = ({ jid: pn, lid }: { jid: string; lid: string }): string => (addressing === 'pn' ? pn : lid);

    await simulator.say({ chat: jid, as: peter, text: 'hi all' });
    const { key } = await client.message('hi all');
    expect(key).toMatchObject({ remoteJid: jid, participant: name(peter), fromMe: false });
    expect(key.participantAlt).toBe(addressing === 'pn' ? peter.lid : peter.jid);

    await simulator.say({ chat: jid, text: 'it is me' });
    expect((await client.message('it is me')).key).toMatchObject({
      fromMe: true,
      participant: name(simulator.owner),
    });

    for (const text of ['one', 'two']) {
      await client.socket.sendMessage(jid, { text });
      const line = await simulator.waitFor((each) => each.text === text);
      expect(line).toMatchObject({ chat: jid, from: simulator.owner.jid, byDevice: true });
    }
    await simulator.say({ chat: jid, as: anna, text: 'fine' });
    await client.message('fine');
    expect(simulator.chat(jid).map(({ text }) => text)).toEqual(['hi all', 'it is me', 'one', 'two', 'fine']);
    expect(simulator.problems).toEqual([]);
  });

  it('reports its subject and members to the client', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter], addressing });
    const told = await client.until('the new group', (seen) =>
      seen.kind === 'group' && seen.id === jid ? seen : undefined,
    );
    expect(told.subject).toBe('Family');
    const metadata = await client.socket.groupMetadata(jid);
    expect(metadata).toMatchObject({ id: jid, subject: 'Family', addressingMode: addressing, size: 2 });
    const [owner, member] = metadata.participants;
    expect(owner?.admin).toBe('superadmin');
    expect(addressing === 'pn' ? member?.id : member?.phoneNumber).toBe(peter.jid);
    expect(addressing === 'pn' ? member?.lid : member?.id).toBe(peter.lid);
    expect(Object.keys(await client.socket.groupFetchAllParticipating())).toEqual([jid]);
  });
});

describe('a query of the client', () => {
  it('is refused for a group that does not exist', async () => {
    await expect(rig.client.socket.groupMetadata('120363999999999999@g.us')).rejects.toThrow(
      'item-not-found',
    );
  });

  it('is answered for people by number', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter', number: '491701112233' });
    const found = await client.socket.onWhatsApp('+491701112233', '+4900000000');
    expect(found).toEqual([{ jid: peter.jid, exists: true }]);
  });

  it('gets an error when it is unknown, and is recorded as a problem', async () => {
    const { simulator, client } = rig;
    const query = client.socket.query({
      tag: 'iq',
      attrs: { to: '@s.whatsapp.net', type: 'get', xmlns: 'w:nonsense' },
    });
    await expect(query).rejects.toThrow('feature-not-implemented');
    expect(simulator.problems.map(({ kind }) => kind)).toEqual(['unknown query']);
  });

  it('returns the owner’s name from the app state', async () => {
    await rig.eventually(() => rig.client.creds.me?.name === 'Maria');
  });

  it('may rotate its signed pre-key', async () => {
    await rig.client.socket.rotateSignedPreKey();
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    await simulator.say({ chat: peter.jid, as: peter, text: 'after the rotation' });
    await client.message('after the rotation');
    expect(simulator.problems).toEqual([]);
  });
});

describe('the presence of others', () => {
  it('is sent when the client subscribes to it', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const told = new Promise((resolve) => client.socket.ev.on('presence.update', resolve));
    await client.socket.presenceSubscribe(peter.jid);
    const presences = { [peter.jid]: { lastKnownPresence: 'unavailable' } };
    expect(await told).toMatchObject({ id: peter.jid, presences });
  });
});

describe('typing', () => {
  it('is visible while it lasts and ends with the message', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const seen: { chat: string; on: boolean }[] = [];
    simulator.on('typing', (typing) => seen.push(typing));
    await client.socket.sendPresenceUpdate('composing', peter.jid);
    await rig.eventually(() => simulator.typing().length === 1);
    expect(simulator.typing()).toEqual([peter.jid]);
    await client.socket.sendPresenceUpdate('paused', peter.jid);
    await rig.eventually(() => simulator.typing().length === 0);
    await client.socket.sendPresenceUpdate('composing', simulator.owner.lid);
    await client.socket.sendMessage(simulator.selfChat, { text: 'done' });
    await simulator.waitFor(({ text }) => text === 'done');
    const [inPeters, inSelf] = [peter.jid, simulator.selfChat];
    expect(seen).toEqual([
      { chat: inPeters, on: true },
      { chat: inPeters, on: false },
      { chat: inSelf, on: true },
      { chat: inSelf, on: false },
    ]);
  });
});
