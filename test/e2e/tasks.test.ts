import { existsSync, readdirSync, writeFileSync } from 'node:fs';
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

  it('can be listed, paused, resumed and cancelled by its owner when it repeats', async () => {
    const house = await House.start();
    await house.say('@Andy every day at 9:00 water the plants');
    await house.answer(/water the plants/);
    const [task] = house.query<{ id: string; schedule_value: string }>(
      'SELECT id, schedule_value FROM scheduled_tasks',
    );
    expect(task?.schedule_value).toBe('0 9 * * *');
    await house.say('@Andy list tasks');
    await house.answer(/water the plants · every day at 09:00/);
    const status = (): unknown =>
      house.query<{ status: string }>('SELECT status FROM scheduled_tasks')[0]?.status;
    await house.say(`@Andy pause ${task!.id}`);
    await vi.waitFor(() => expect(status()).toBe('paused'), { timeout: 60_000 });
    await house.say(`@Andy resume ${task!.id}`);
    await vi.waitFor(() => expect(status()).toBe('active'), { timeout: 60_000 });
    await house.say(`@Andy cancel ${task!.id}`);
    await vi.waitFor(() => expect(status()).toBeUndefined(), { timeout: 60_000 });
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
    const errors = join(house.root, 'data', 'ipc-errors', 'family');
    await vi.waitFor(() => expect(readdirSync(errors).length).toBeGreaterThan(0), { timeout: 60_000 });
    expect(house.said(family.jid)).toEqual([]);
    expect(house.said().join()).not.toContain('not allowed');
  });
});
