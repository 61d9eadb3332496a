import type { BinaryNode } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';
import type { Addressing } from './simulator.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' }, rules: { recipients: 'checked' } });
  await rig.pairAndOpen();
});

afterEach(async () => {
  await rig.close();
});

/** Sends by an unmodified Baileys; resolves with the server's answer. */
async function send(to: string, text: string): Promise<BinaryNode | undefined> {
  const { socket } = rig.client;
  const messageId = `3EB0${text}`;
  const answer = socket.waitForMessage<BinaryNode>(messageId);
  await socket.sendMessage(to, { text }, { messageId });
  return answer;
}

const kinds = () => rig.simulator.problems.map(({ kind }) => kind);

describe('a message that is encrypted for a device that WhatsApp does not accept', () => {
  it('is refused when it names a device twice, as an unmodified Baileys does in its own chat', async () => {
    const { simulator } = rig;
    await send(simulator.owner.lid, 'first');
    const answer = await send(simulator.owner.lid, 'second');
    expect(answer?.attrs.error).toBe('406');
    expect(simulator.chat(simulator.selfChat)).toMatchObject([{ text: 'first' }]);
    expect(simulator.problems).toMatchObject([
      { kind: 'refused', detail: expect.stringContaining('names before') },
    ]);
  });

  it('is refused when it names a device by number and by LID', async () => {
    const { simulator, client } = rig;
    const { jid, lid } = simulator.owner;
    const to = (device: string): BinaryNode => ({ tag: 'to', attrs: { jid: device }, content: [] });
    const answer = client.socket.waitForMessage<BinaryNode>('3EB0BOTH');
    const participants = { tag: 'participants', attrs: {}, content: [to(jid), to(lid)] };
    await client.socket.sendNode({
      tag: 'message',
      attrs: { id: '3EB0BOTH', to: lid, type: 'text' },
      content: [participants],
    });
    expect((await answer)?.attrs.error).toBe('406');
    expect(kinds()).toEqual(['refused']);
  });

  it('is refused when it names the sending device, as an unmodified Baileys does in groups that go by LID', async () => {
    const { simulator } = rig;
    const group = (addressing: Addressing) =>
      simulator.createGroup({ subject: addressing, members: [], addressing }).jid;
    expect((await send(group('pn'), 'byNumber'))?.attrs.error).toBeUndefined();
    expect((await send(group('lid'), 'byLid'))?.attrs.error).toBe('406');
    expect(simulator.problems).toMatchObject([
      { kind: 'refused', detail: expect.stringContaining('the sending device') },
    ]);
  });

  it('is delivered where recipients are not checked', async () => {
    const { simulator } = rig;
    simulator.changeRules({ recipients: 'any' });
    for (const text of ['first', 'second']) await send(simulator.owner.lid, text);
    expect(simulator.chat(simulator.selfChat)).toHaveLength(2);
  });
});

describe('a message of a linked device to its own chat', () => {
  it('is acknowledged by number and not shown, and an unmodified Baileys sends by number', async () => {
    const { simulator } = rig;
    const answer = await send(simulator.selfChat, 'by number');
    expect(answer?.attrs).toMatchObject({ from: simulator.selfChat });
    expect(answer?.attrs.error).toBeUndefined();
    await rig.eventually(() => kinds().includes('not shown'));
    expect(simulator.chat(simulator.selfChat)).toEqual([]);
  });

  it('is shown by LID', async () => {
    const { simulator } = rig;
    await send(simulator.owner.lid, 'by LID');
    await simulator.waitFor(({ text }) => text === 'by LID');
    expect(simulator.problems).toEqual([]);
  });

  it('is shown by number too where recipients are not checked', async () => {
    const { simulator } = rig;
    const body = JSON.stringify({ recipients: 'any' });
    const reply = await fetch(`${simulator.controlUrl}/rules`, { method: 'POST', body });
    expect(await reply.json()).toMatchObject({ recipients: 'any', secretRefresh: 'never' });
    await send(simulator.selfChat, 'by number');
    await simulator.waitFor(({ text }) => text === 'by number');
    expect(simulator.problems).toEqual([]);
  });
});
