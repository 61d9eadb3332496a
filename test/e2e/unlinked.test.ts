import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

/** What an operator reads of the line. It is stored after the log has said it. */
const stopped = (house: House, reason: RegExp): Promise<void> =>
  vi.waitFor(() =>
    expect(house.query("SELECT value FROM router_state WHERE key = 'line'")).toEqual([
      { value: expect.stringMatching(reason) },
    ]),
  );

describe('a host whose phone has unlinked it', () => {
  it('pairs again with the same account and continues: groups, tasks and memory are still there', async () => {
    const house = await House.start();
    const bea = house.simulator.addPerson({ name: 'Bea' });
    const { jid } = house.simulator.createGroup({ subject: 'Family', members: [bea] });
    await house.say('@Andy activate Family');
    await house.answer(/Family/);
    await house.say('@Andy remember the cat is called Tom');
    await house.answer(/.*/);
    await house.say('@Andy remind me in 5 seconds to water the plants');
    await house.answer(/I will remind you/);
    const notes = join(house.root, 'groups', 'main', 'CLAUDE.md');
    const remembered = readFileSync(notes, 'utf8');
    expect(remembered).toContain('the cat is called Tom');
    await house.simulator.faults.unlinkDevices();
    await house.logged(/The phone has unlinked this assistant \(401\).*\.\/nanoclaw pair/);
    await stopped(house, /^stopped: The phone has unlinked/);
    const pairings = house.pairings;
    await house.restart();
    expect(house.pairings).toBeGreaterThan(pairings);
    await house.answer(/water the plants/);
    await house.say('@Andy ping', jid);
    await house.answer(/pong/, jid);
    expect(readFileSync(notes, 'utf8')).toBe(remembered);
    await house.say('@Andy what do you remember?');
    await house.answer(/Tom/);
    expect(house.query('SELECT folder FROM registered_groups ORDER BY folder')).toHaveLength(2);
    const greetings = house.said().filter((text) => /^Hello|I am back/.test(text));
    expect(greetings).toEqual([expect.stringMatching(/I am back/)]);
  });
});

describe('a login of v1 in store/auth', () => {
  it('is named in the log with what to do with it, until an account is linked', async () => {
    const house = await House.start();
    const named = (): readonly string[] => house.log().filter((line) => line.includes('NanoClaw v1'));
    mkdirSync(join(house.root, 'store', 'auth'));
    await house.restart();
    expect(named()).toEqual([]);
    await house.simulator.faults.unlinkDevices();
    await stopped(house, /^stopped: The phone has unlinked/);
    await house.restart();
    expect(named()).toEqual([expect.stringMatching(/\.\/nanoclaw pair, then remove store\/auth here/)]);
  });
});

describe('a host whose connection another program has replaced', () => {
  it('does not reconnect, and reports it once', async () => {
    const house = await House.start();
    await house.simulator.faults.closeWith(440);
    await house.logged(/Another program has taken over.*\(440\)/);
    await stopped(house, /^stopped: Another program/);
    await vi.waitFor(() => expect(house.simulator.connections()).toBe(0));
    expect(house.log().filter((line) => /\(440\)/.test(line))).toHaveLength(1);
  });
});

describe('an account that WhatsApp has restricted', () => {
  it('is reported to an operator and, once, to the owner, until it is free again', async () => {
    const house = await House.start();
    const restriction = (): readonly unknown[] =>
      house.query("SELECT value FROM router_state WHERE key = 'restriction'");
    // The host asks for it as it connects, and the answer that there is none is not to come after the restriction.
    await house.say('@Andy ping');
    await house.answer(/pong/);
    house.simulator.faults.restrictAccount();
    const { text } = await house.answer(/⚠️/);
    const [row] = restriction() as { value: string }[];
    expect(row?.value).toMatch(/./);
    expect(text).toContain(row?.value);
    house.simulator.faults.restrictAccount(false);
    await house.answer(/lifted the restriction/);
    expect(restriction()).toEqual([{ value: '' }]);
  });
});
