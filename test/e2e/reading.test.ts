import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it, vi } from 'vitest';
import { House } from '../support/house.ts';

describe('an edit', () => {
  it('triggers when it changes a message that triggers, and is answered once', async () => {
    const house = await House.start();
    const { id } = await house.say('echo late');
    await house.logged(/No turn: it does not begin with @Andy/);
    await house.simulator.edit(id, '@Andy echo late');
    await house.answer(/late/);
    await house.idle();
    expect(house.said()).toEqual(['late']);
  });
});

it('a deleted message is in no file of a running host’s databases once the host is idle', async () => {
  const house = await House.start({}, { timings: { truncateLogAfterMs: 500 } });
  const store = join(house.root, 'store');
  const files = (): string =>
    readdirSync(store, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      .join('\n');
  const secret = await house.say('the secret words');
  await vi.waitFor(() => expect(files()).toContain('the secret words'));
  await house.simulator.remove(secret.id);
  await vi.waitFor(() => expect(files()).not.toContain('the secret words'), { timeout: inject('waitMs') });
});

describe('messages that are sent while the host is down', () => {
  it('are not answered when they were deleted, and are answered in their edited form', async () => {
    const house = await House.start();
    const { simulator } = house;
    await house.end();
    const gone = await house.say('@Andy echo secret');
    const changed = await house.say('@Andy echo first');
    await simulator.edit(changed.id, '@Andy echo second');
    await simulator.remove(gone.id);
    await house.begin();
    await house.answer(/second/);
    await house.idle();
    expect(house.said()).toEqual(['second']);
    expect(JSON.stringify(house.query('SELECT * FROM messages'))).not.toContain('secret');
  });

  it('are read whole, in order and once: 200 of all kinds', async () => {
    const house = await House.start();
    const { simulator } = house;
    await house.end();
    const chat = simulator.selfChat;
    const ids: string[] = [];
    for (let n = 0; n < 50; n++) {
      const place = { latitude: n, longitude: 1 };
      const line = await house.say(`note ${n}`);
      ids.push(line.id, (await simulator.say({ chat, location: place })).id);
      ids.push((await simulator.say({ chat, poll: { question: `q${n}`, options: ['a', 'b'] } })).id);
      await simulator.react(line.id, '👍');
    }
    await house.say('@Andy ping');
    await house.begin();
    await house.answer(/pong/);
    const rows = house.query<{ id: string; content: string }>(
      'SELECT id, content FROM messages ORDER BY seq',
    );
    expect(rows.filter(({ content }) => content === 'reacted 👍')).toHaveLength(50);
    expect(rows.filter(({ id }) => ids.includes(id)).map(({ id }) => id)).toEqual(ids);
    expect(rows).toHaveLength(201);
    expect(house.said().filter((text) => text === 'pong')).toHaveLength(1);
  });
});

describe('a group of an assistant with a number of its own', () => {
  it('is answered after a mention, and a reaction does not trigger', async () => {
    const house = await House.start({ ASSISTANT_HAS_OWN_NUMBER: 'true' });
    const { simulator } = house;
    const ben = simulator.addPerson({ name: 'Ben' });
    const family = simulator.createGroup({ subject: 'Family', members: [ben] });
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    const { id } = await simulator.say({
      chat: family.jid,
      as: ben,
      text: '@Ann ping',
      mentions: [simulator.owner],
    });
    await house.answer(/pong/, family.jid);
    await simulator.react(id, '👍', { as: ben });
    await house.logged(/No turn: it only tells something/);
    await house.idle();
    expect(house.said(family.jid)).toEqual(['pong']);
  });
});
