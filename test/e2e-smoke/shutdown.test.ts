import { expect, it } from 'vitest';
import { House } from '../support/house.ts';

it('a shutdown lets the running turn answer, leaves what comes meanwhile to the next start, and exits with 0', async () => {
  const house = await House.start();
  await house.say('@Andy sleep 2');
  await house.logged(/Container arguments/);
  house.host.signal('SIGTERM');
  expect(await house.host.exitCode()).toBe(0);
  expect(house.said()).toEqual(['I slept 2 seconds.']);
  expect(house.query('SELECT status FROM runs')).toEqual([{ status: 'succeeded' }]);
  await house.say('@Andy echo late');
  await house.begin();
  await house.answer(/late/);
  await house.idle();
  expect(house.said()).toEqual(['I slept 2 seconds.', 'late']);
});
