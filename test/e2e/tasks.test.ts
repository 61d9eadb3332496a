import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';
import { nanoclaw, runNanoclaw } from '../support/nanoclaw.ts';

describe('a task', () => {
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
    await vi.waitFor(() => expect(status()).toBe('paused'));
    await house.say(`@Andy resume ${task!.id}`);
    await vi.waitFor(() => expect(status()).toBe('active'));
    await house.say(`@Andy cancel ${task!.id}`);
    await vi.waitFor(() => expect(status()).toBeUndefined());
  });

  it('can be run, paused and resumed by commands while the assistant runs, and takes effect at once', async () => {
    const { house, id, tasks } = await daily();
    expect(await tasks('run', id.slice(0, 13))).toMatch(/Queued a run of .*water the plants/);
    // The host looks for work by itself much later: the task is due in the morning.
    await house.answer(/water the plants/);
    expect(await tasks('pause', id)).toMatch(/^Paused/);
    house.change(
      `UPDATE scheduled_tasks SET schedule_type = 'once', schedule_value = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+4 seconds')`,
    );
    expect(await tasks('resume', id)).toMatch(/^Resumed .* Next run: /);
    await house.answer(/water the plants/);
  });

  it('can be run and cancelled by commands while the assistant does not run', async () => {
    const { house, id, tasks } = await daily();
    await house.end();
    expect(await tasks('run', id)).toMatch(/starts with the assistant/);
    await house.begin();
    await house.answer(/water the plants/);
    await house.end();
    expect(await tasks('cancel', id, '--json')).toContain(id);
    expect(house.query('SELECT id FROM scheduled_tasks')).toEqual([]);
    const unknown = await runNanoclaw(house.root, ['tasks', 'cancel', id]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/nanoclaw tasks/) });
    expect(await runNanoclaw(house.root, ['tasks', 'wake', id])).toMatchObject({ code: 2 });
  });
});

/** A host with a task that is due each morning, set by its owner. */
async function daily() {
  const house = await House.start();
  await house.say('@Andy every day at 9:00 water the plants');
  await house.answer(/water the plants/);
  await house.idle();
  const [task] = house.query<{ id: string }>('SELECT id FROM scheduled_tasks');
  const tasks = (...args: readonly string[]): Promise<string> => nanoclaw(house.root, 'tasks', ...args);
  return { house, id: task?.id ?? '', tasks };
}
