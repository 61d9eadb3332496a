import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

describe('an assistant', () => {
  it('sends a file, which the phone can open, and then its answer', async () => {
    const house = await House.start();
    await house.say('@Andy send me a file');
    await house.answer(/There it is/);
    const file = house.simulator.chat(house.simulator.selfChat).find(({ media }) => media !== undefined);
    expect(file?.media).toMatchObject({
      kind: 'document',
      fileName: 'hello.txt',
      caption: 'Andy: A small text file',
    });
    expect(String(Buffer.from(file?.media?.data ?? []))).toMatch(/^Hello from Andy/);
    // A phone has a message before its sender has read the server's ack.
    await vi.waitFor(
      () => expect(house.query('SELECT DISTINCT status FROM outbox')).toEqual([{ status: 'sent' }]),
      { timeout: 60_000, interval: 50 },
    );
  });

  it('reacts to a message in a group, and quotes it in its answer', async () => {
    const house = await House.start();
    const { simulator } = house;
    const ben = simulator.addPerson({ name: 'Ben' });
    const family = simulator.createGroup({ subject: 'Family', members: [ben] });
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    const asked = await simulator.say({ chat: family.jid, as: ben, text: '@Andy react with 🎉' });
    expect((await house.answer(/Look at your message/, family.jid)).quotedId).toBe(asked.id);
    const line = simulator.chat(family.jid).find(({ id }) => id === asked.id);
    expect(line?.reactions?.map(({ emoji }) => emoji)).toEqual(['🎉']);
  });
});
