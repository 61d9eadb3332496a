import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('an assistant', () => {
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
