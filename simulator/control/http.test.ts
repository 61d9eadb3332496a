import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from '../client/rig.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
});

afterEach(async () => {
  await rig.close();
});

interface Answer {
  status: number;
  body: unknown;
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(`${rig.simulator.controlUrl}${path}`);
  return { status: response.status, body: await response.json() };
}

async function post(path: string, body: unknown = {}): Promise<Answer> {
  const init = { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${rig.simulator.controlUrl}${path}`, init);
  return { status: response.status, body: await response.json() };
}

async function pairOverHttp(): Promise<void> {
  const qr = await rig.client.showQr();
  const closed = rig.client.closed();
  expect((await post('/scan', { qr })).status).toBe(200);
  expect(await closed).toBe(515);
  await rig.client.open();
}

describe('the control interface', () => {
  it('scans the QR code, adds people and a group, speaks for them and lists what the chat shows', async () => {
    await pairOverHttp();
    await post('/people', { name: 'Peter', number: '491701112233' });
    expect((await post('/groups', { subject: 'Family', members: ['Peter'], addressing: 'pn' })).status).toBe(
      200,
    );
    await post('/say', { chat: 'Family', as: 'Peter', text: 'hi all' });
    const { key } = await rig.client.message('hi all');
    expect(key.participant).toBe('491701112233@s.whatsapp.net');
    await rig.client.socket.sendMessage(key.remoteJid ?? '', { text: 'hi Peter' });
    const waited = await get('/wait?chat=Family&contains=hi&byDevice=true');
    expect(waited.body).toMatchObject({ text: 'hi Peter', byDevice: true });
    const { body } = await get('/chat?chat=Family');
    expect(body).toMatchObject([
      { text: 'hi all', fromName: 'Peter' },
      { text: 'hi Peter', fromName: 'Maria' },
    ]);
    expect((await get('/people')).body).toHaveLength(2);
    expect((await get('/groups')).body).toMatchObject([{ subject: 'Family' }]);
    expect((await get('/state')).body).toMatchObject({ problems: [], connections: 1, typing: [] });
  });

  it('edits, reacts to and removes a message, and sends more than text', async () => {
    await post('/people', { name: 'Peter' });
    const { body: line } = await post('/say', {
      chat: 'Peter',
      as: 'Peter',
      text: '@Maria?',
      mentions: ['Maria'],
    });
    expect(line).toMatchObject({ text: '@Maria?', mentions: [rig.simulator.owner.jid] });
    const { id } = line as { id: string };
    expect((await post('/edit', { id, text: 'Maria!' })).body).toMatchObject({
      text: 'Maria!',
      edited: true,
    });
    expect((await post('/react', { id, emoji: '👍' })).body).toMatchObject({ reactions: [{ emoji: '👍' }] });
    expect((await post('/remove', { id })).body).toMatchObject({ id, removed: true });
    expect((await post('/edit', { id, text: 'again' })).status).toBe(400);
    const poll = { question: 'Tea?', options: ['yes', 'no'] };
    expect((await post('/say', { chat: 'self', poll })).body).toMatchObject({
      text: '[poll: Tea? yes / no]',
    });
  });

  it('changes groups by the names of group and people', async () => {
    for (const name of ['Peter', 'Anna']) await post('/people', { name });
    await post('/groups', { subject: 'Choir', members: ['Anna'], by: 'Peter', numbersHidden: true });
    await post('/groups/add', { group: 'Choir', person: 'Maria' });
    await post('/groups/promote', { group: 'Choir', person: 'Maria', by: 'Peter' });
    await post('/groups/demote', { group: 'Choir', person: 'Peter', by: 'Maria' });
    await post('/groups/leave', { group: 'Choir', person: 'Peter' });
    await post('/groups/reveal', { group: 'Choir', person: 'Anna' });
    await post('/groups/remove', { group: 'Choir', person: 'Anna' });
    expect((await post('/groups/remove', { group: 'Choir', person: 'Anna' })).status).toBe(400);
    expect((await post('/groups/rename', { group: 'Choirs', subject: 'Band' })).status).toBe(404);
    const { body } = await post('/groups/rename', { group: 'Choir', subject: 'Band' });
    const maria = { name: 'Maria' };
    expect(body).toMatchObject([{ subject: 'Band', members: [maria], admins: [maria] }]);
  });

  it('accepts and returns files in base64', async () => {
    const data = Buffer.from('not really a picture').toString('base64');
    const media = { kind: 'image', data, caption: 'our cat' };
    const { body: line } = await post('/say', { chat: 'self', media });
    expect(line).toMatchObject({ text: 'our cat', media: { ...media, bytes: 20 } });
    expect((await get('/chat?chat=self')).body).toEqual([line]);
    expect((await post('/say', { chat: 'self', media: { ...media, data: '?' } })).status).toBe(400);
    for (const name of ['loseMedia', 'refuseUploads', 'truncateMedia'])
      expect((await post(`/faults/${name}`)).status).toBe(200);
    await post('/faults/slowMedia', { bytesPerSecond: 1000 });
    expect((await get('/faults')).body).toMatchObject({ refusedUploads: 1, mediaBytesPerSecond: 1000 });
  });

  it('scans as a person, speaks in their chats and shows a chat from their side', async () => {
    for (const name of ['Peter', 'Anna']) await post('/people', { name });
    const qr = await rig.client.showQr();
    const { body } = await post('/scan', { qr, as: 'Peter' });
    expect(body).toMatchObject({ paired: rig.simulator.people[1]?.jid.replace('@', ':1@') });
    await post('/say', { of: 'Peter', chat: 'Anna', text: 'hi Anna' });
    expect((await get('/chat?chat=Anna&as=Peter')).body).toMatchObject([{ text: 'hi Anna', fromMe: true }]);
    expect((await get('/chat?chat=Anna')).body).toEqual([]);
    expect((await post('/code', { code: 'ABCDEFGH', as: 'Anna' })).status).toBe(400);
  });

  it('adds a message of the past', async () => {
    await post('/people', { name: 'Peter' });
    const past = { chat: 'Peter', as: 'Peter', text: 'long ago', at: 1_000 };
    expect((await post('/past', past)).body).toMatchObject({ text: 'long ago', at: 1_000 });
    expect((await get('/chat?chat=Peter')).body).toMatchObject([{ text: 'long ago', fromName: 'Peter' }]);
  });

  it('waits for a message after a given one', async () => {
    const first = await rig.simulator.say({ chat: rig.simulator.selfChat, text: 'same words' });
    const waiting = get(`/wait?chat=self&contains=same&after=${first.id}`);
    const second = await rig.simulator.say({ chat: rig.simulator.selfChat, text: 'same words' });
    expect((await waiting).body).toMatchObject({ id: second.id });
  });

  it('reports that no such message arrived in time', async () => {
    expect(await get('/wait?contains=never&timeoutMs=20')).toMatchObject({ status: 408 });
  });

  it('causes faults by their names', async () => {
    await pairOverHttp();
    expect((await get('/faults')).body).toMatchObject({ offline: false });
    const closed = rig.client.closed();
    expect((await post('/faults/closeWith', { code: 503 })).body).toEqual({ result: 1 });
    expect(await closed).toBe(503);
    await post('/faults/refuseLogins', { code: 403, times: 1 });
    rig.client.connect();
    expect(await rig.client.closed()).toBe(403);
    for (const name of ['goOffline', 'withholdAcks', 'rejectSends', 'breakCertificate', 'refuseUpgrades']) {
      expect((await post(`/faults/${name}`)).status).toBe(200);
    }
    expect((await get('/faults')).body).toMatchObject({ offline: true, sends: { code: 463, left: 1 } });
    await post('/faults/delayAcks', { ms: 50 });
    await post('/faults/restrictAccount', { seconds: 60 });
    expect((await post('/faults/deafen', { next: 1 })).body).toEqual({ result: 0 });
    expect((await get('/faults')).body).toMatchObject({
      delayedAcks: { ms: 50 },
      deafNext: { left: 1 },
      restriction: { endsAt: expect.any(Number) },
    });
    await post('/faults/clear');
    await rig.client.open();
  });

  it.each([
    ['a path that is not there', '/nothing', {}, 404],
    ['a fault that is not there', '/faults/earthquake', {}, 404],
    ['a person who is not there', '/say', { chat: 'self', as: 'Nobody', text: 'x' }, 404],
    ['a body that lacks something', '/say', { chat: 'self' }, 400],
    ['a body with something else', '/people', { name: 'Eve', age: 3 }, 400],
    ['a body that is not JSON', '/say', '{', 400],
    ['a number that is none', '/people', { name: 'Eve', number: '12' }, 400],
    ['a QR code that nobody shows', '/scan', { qr: '2@x,aa,bb,cc,1' }, 400],
    ['a text that is no QR code', '/scan', { qr: 'hello' }, 400],
  ])('refuses %s with a reason', async (_what, path, body, status) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: expect.stringMatching(/\w{3}/) });
  });

  it('refuses requests that name another host', async () => {
    const { port } = new URL(rig.simulator.controlUrl);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET /state HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    const parts: Buffer[] = [];
    for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1.1 403/);
  });

  it('streams events, past and new', async () => {
    await rig.simulator.say({ chat: rig.simulator.selfChat, text: 'before' });
    const response = await fetch(`${rig.simulator.controlUrl}/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await rig.simulator.say({ chat: rig.simulator.selfChat, text: 'after' });
    let told = '';
    for await (const part of response.body ?? []) {
      told += Buffer.from(part).toString();
      if (told.includes('after')) break;
    }
    expect(told).toMatch(
      /^id: 1\nevent: line\ndata: \{.*"text":"before".*\}\n\nid: 2\nevent: line\ndata: \{.*"after"/,
    );
  });

  it('continues after the event that a listener saw last', async () => {
    for (const text of ['one', 'two']) await rig.simulator.say({ chat: rig.simulator.selfChat, text });
    const response = await fetch(`${rig.simulator.controlUrl}/events`, { headers: { 'last-event-id': '1' } });
    const first = await response.body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^id: 2\n/);
  });

  it('ends the simulator when it is asked to', async () => {
    expect((await post('/shutdown')).status).toBe(202);
    await rig.simulator.closed;
    await expect(get('/state')).rejects.toThrow();
  });
});
