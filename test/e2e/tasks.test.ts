import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

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
});
