import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' }, lenient: false });
  await rig.pairAndOpen();
});

afterEach(async () => {
  await rig.close();
});

/** Sends by an unmodified Baileys; resolves with the server's answer. */
async function send(to: string, text: string): Promise<{ attrs: Record<string, string> } | undefined> {
  const { socket } = rig.client;
  const messageId = `3EB0${text}`;
  const answer = socket.waitForMessage<{ attrs: Record<string, string> }>(messageId);
  await socket.sendMessage(to, { text }, { messageId });
  return answer;
}

const kinds = () => rig.simulator.problems.map(({ kind }) => kind);

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

  it('is shown by number too when the simulator is lenient', async () => {
    const { simulator } = rig;
    const body = JSON.stringify({ on: true });
    const reply = await fetch(`${simulator.controlUrl}/lenient`, { method: 'POST', body });
    expect(await reply.json()).toEqual({ lenient: true });
    await send(simulator.selfChat, 'by number');
    await simulator.waitFor(({ text }) => text === 'by number');
    expect(simulator.problems).toEqual([]);
  });
});
