import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('a new owner', () => {
  it('pairs by QR code, is greeted once, and triggers the assistant in their own chat', async () => {
    const house = await House.start({}, { isLinked: false });
    expect(house.pairings).toBeGreaterThan(0);
    await house.say('a note to myself');
    await house.logged(/No turn: it does not begin with @Andy/);
    await house.say('@Andy ping');
    await house.answer(/^Andy: pong$/);
    expect(house.said()).toEqual([expect.stringMatching(/^Hello! I am Andy/), 'pong']);
    expect(house.query('SELECT folder, is_main FROM registered_groups')).toEqual([
      { folder: 'main', is_main: 1 },
    ]);
  });

  it('sees typing while the agent works, and finds a log of the run', async () => {
    const house = await House.start();
    const typing: boolean[] = [];
    house.simulator.on('typing', ({ on }) => typing.push(on));
    await house.say('@Andy sleep 1');
    await house.answer(/slept/);
    await house.logged(/Turn done/);
    expect(typing.slice(0, 1)).toEqual([true]);
    expect(typing.at(-1)).toBe(false);
    const logs = join(house.root, 'groups', 'main', 'logs');
    const [file = ''] = readdirSync(logs).filter((name) => name.startsWith('container-'));
    expect(readFileSync(join(logs, file), 'utf8')).toMatch(/exit/i);
  });
});

describe('a group', () => {
  it('is activated from the main chat and then answers its members when they use the trigger', async () => {
    const house = await House.start();
    const { simulator } = house;
    const ben = simulator.addPerson({ name: 'Ben' });
    const family = simulator.createGroup({ subject: 'Family', members: [ben] });
    await simulator.say({ chat: family.jid, as: ben, text: '@Andy ping' });
    await house.logged(/No turn: the chat is not registered/);
    expect(JSON.stringify(house.query('SELECT * FROM messages'))).not.toContain('ping');
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    await simulator.say({ chat: family.jid, as: ben, text: 'lunch at one' });
    await simulator.say({ chat: family.jid, as: ben, text: '@Andy ping' });
    await house.answer(/pong/, family.jid);
    await house.say('@Andy echo as the owner', family.jid);
    await house.answer(/as the owner/, family.jid);
    expect(house.said(family.jid)).toHaveLength(2);
  });
});

describe('messages that arrive during a turn', () => {
  it('reach the running sandbox, which answers them too', async () => {
    const house = await House.start();
    await house.say('@Andy sleep 2');
    await house.logged(/Container arguments/);
    await house.say('@Andy echo second');
    await house.answer(/slept/);
    await house.answer(/second/);
    await house.logged(/Turn done/);
    expect(house.said()).toEqual([expect.stringMatching(/slept/), 'second']);
    expect(house.query('SELECT status FROM runs')).toEqual([{ status: 'succeeded' }]);
    expect(house.query('SELECT COUNT(*) AS given FROM follow_ups')).toEqual([{ given: 1 }]);
  });
});
