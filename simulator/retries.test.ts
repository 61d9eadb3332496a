import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';
import type { Addressing } from './simulator.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig();
  await rig.pairAndOpen();
});

afterEach(async () => {
  await rig.close();
});

function kinds(): string[] {
  return rig.simulator.problems.map(({ kind }) => kind);
}

const FORMS: readonly Addressing[] = ['pn', 'lid'];

describe('a message that the client cannot read', () => {
  it('is sent again when the client requests it', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    simulator.faults.garbleMessages();
    await simulator.say({ chat: peter.jid, as: peter, text: 'once more' });
    await client.message('once more');
    expect(kinds()).toEqual(['retry asked']);
    await simulator.say({ chat: peter.jid, as: peter, text: 'and on' });
    await client.message('and on');
  });

  it.each(FORMS)('is sent again in a group addressed by %s', async (addressing) => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter], addressing });
    simulator.faults.garbleMessages();
    await simulator.say({ chat: jid, as: peter, text: 'once more' });
    await client.message('once more');
    expect(kinds()).toEqual(['retry asked']);
    await simulator.say({ chat: jid, as: peter, text: 'and on' });
    await client.message('and on');
  });
});

describe('a message that the phones cannot read', () => {
  it('is requested again, and shown once when the client sends it again', async () => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    await client.socket.sendMessage(peter.jid, { text: 'before' });
    await simulator.waitFor(({ text }) => text === 'before');
    simulator.faults.loseSessions();
    await client.socket.sendMessage(peter.jid, { text: 'after' }, { messageId: 'AFTER' });
    await simulator.waitFor(({ text }) => text === 'after');
    expect(simulator.chat(peter.jid).map(({ text }) => text)).toEqual(['before', 'after']);
    expect(simulator.sends('AFTER')).toBeGreaterThan(1);
    expect(new Set(kinds())).toEqual(new Set(['not decrypted', 'bad message']));
  });

  it.each(FORMS)('is requested again in a group addressed by %s', async (addressing) => {
    const { simulator, client } = rig;
    const peter = simulator.addPerson({ name: 'Peter' });
    const { jid } = simulator.createGroup({ subject: 'Family', members: [peter], addressing });
    await client.socket.sendMessage(jid, { text: 'before' });
    await simulator.waitFor(({ text }) => text === 'before');
    simulator.faults.loseSessions();
    await client.socket.sendMessage(jid, { text: 'after' });
    await simulator.waitFor(({ text }) => text === 'after');
    expect(simulator.chat(jid).map(({ text }) => text)).toEqual(['before', 'after']);
  });
});
