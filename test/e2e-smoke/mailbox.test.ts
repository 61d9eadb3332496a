import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

describe('a task', () => {
  it('runs once and sends its message to its chat when the agent writes it', async () => {
    const house = await House.start();
    await house.say('@Andy remind me in 2 seconds to stretch');
    await house.answer(/I will remind you: stretch/);
    await house.answer(/Reminder: stretch/);
    await vi.waitFor(
      () => expect(house.query('SELECT status FROM task_run_logs')).toEqual([{ status: 'success' }]),
      { timeout: 60_000, interval: 50 },
    );
    await house.idle();
    expect(house.said().filter((text) => /^Reminder/.test(text))).toHaveLength(1);
  });
});

describe('a file that an operator drops by hand', () => {
  it('is sent although it was not written in one piece', async () => {
    const house = await House.start();
    const file = join(house.root, 'data', 'ipc', 'main', 'messages', 'x.json');
    await vi.waitFor(() => expect(existsSync(dirname(file))).toBe(true), { timeout: 60_000 });
    const text = JSON.stringify({ type: 'message', chatJid: house.simulator.selfChat, text: 'by hand' });
    const half = await open(file, 'w');
    await half.write(text.slice(0, 20));
    await setTimeout(100);
    await half.write(text.slice(20));
    await half.close();
    await house.answer(/by hand/);
    expect(existsSync(file)).toBe(false);
  });

  it('is quarantined with the reason when it names a chat that is not its group’s', async () => {
    const house = await House.start();
    const family = house.simulator.createGroup({ subject: 'Family', members: [] });
    await house.say('@Andy activate Family');
    await house.answer(/is active/);
    const ipc = join(house.root, 'data', 'ipc', 'family', 'messages', 'x.json');
    await vi.waitFor(() => expect(existsSync(dirname(ipc))).toBe(true), { timeout: 60_000 });
    writeFileSync(
      ipc,
      JSON.stringify({ type: 'message', chatJid: house.simulator.selfChat, text: 'not allowed' }),
    );
    symlinkSync(join(house.root, 'store', 'messages.db'), join(dirname(ipc), 'link.json'));
    const errors = join(house.root, 'data', 'ipc-errors', 'family');
    await vi.waitFor(() =>
      expect(readdirSync(errors).filter((name) => name.endsWith('.reason.json'))).toHaveLength(2),
    );
    expect(house.said(family.jid)).toEqual([]);
    expect(house.said().join()).not.toContain('not allowed');
  });
});
