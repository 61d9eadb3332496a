import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

/** What WhatsApp would bring again. */
const waiting = () => rig.server.devices()[0]?.waiting;

async function nothingElse(): Promise<void> {
  await rig.server.say({ chat: rig.server.selfChat, text: 'to the assistant' });
  await rig.listener.message('to the assistant');
  await vi.waitFor(() => expect(waiting()).toBe(0));
  expect(rig.listener.texts).toEqual(['to the assistant']);
  expect(rig.server.problems).toEqual([]);
}

describe('what the owner writes to a bot on the phone', () => {
  it.each(['lid', 'pn'] as const)(
    'is not taken for a message to the assistant, and its receipt names the bot (%s)',
    async (addressing) => {
      await rig.server.writeToBot({ text: '@Andy to Meta AI', addressing });
      const id = await rig.server.writeToBot({ text: '@Andy to another', bot: '9@bot', addressing });
      await nothingElse();
      expect(rig.server.receipts(id)).toMatchObject([{ type: 'sender', to: '9@bot' }]);
    },
  );

  it('is read past: what the owner writes to others afterwards is decrypted', async () => {
    const peter = rig.server.addPerson({ name: 'Peter' });
    for (let n = 0; n < 5; n += 1) await rig.server.writeToBot({ text: 'skipped' });
    await rig.server.say({ chat: peter.jid, text: 'to Peter' });
    await rig.listener.message('to Peter');
    await vi.waitFor(() => expect(waiting()).toBe(0));
    expect(rig.server.problems).toEqual([]);
  });
});

describe('a status', () => {
  it.each(['status', 'message'] as const)(
    'is acknowledged and ignored when it comes as a %s',
    async (tag) => {
      const peter = rig.server.addPerson({ name: 'Peter' });
      await rig.server.postStatus({ as: peter, text: '@Andy look at me', tag });
      await nothingElse();
    },
  );
});
