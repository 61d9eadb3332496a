import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

it('a due task that waits in the mailbox when the host starts runs once', async () => {
  const house = await House.start();
  const mailbox = join(house.root, 'data', 'ipc', 'main', 'tasks');
  await vi.waitFor(() => expect(existsSync(mailbox)).toBe(true));
  await house.end('SIGTERM');
  const { selfChat } = house.simulator;
  const task = {
    type: 'schedule_task',
    prompt: 'echo once is enough',
    schedule_type: 'once',
    schedule_value: new Date().toISOString(),
    targetJid: selfChat,
  };
  writeFileSync(join(mailbox, 'x.json'), JSON.stringify(task));
  await house.begin();
  await house.answer(/once is enough/);
  await house.idle();
  await vi.waitFor(() =>
    expect(house.query("SELECT 1 FROM runs WHERE status IN ('queued', 'running')")).toEqual([]),
  );
  // What the start's own settlement took for cut off by a crash would run a second time.
  expect(house.query('SELECT kind, status FROM runs')).toEqual([{ kind: 'task', status: 'succeeded' }]);
  expect(house.said().filter((text) => text === 'once is enough')).toHaveLength(1);
});
