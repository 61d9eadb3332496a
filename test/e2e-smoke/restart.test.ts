import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('a host that is stopped and started again', () => {
  it('answers what was written while it was down, in order, and nothing twice', async () => {
    const house = await House.start();
    await house.end('SIGTERM');
    await house.say('@Andy echo first');
    await house.say('nobody called');
    await house.begin();
    await house.answer(/first/);
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said()).toEqual(['first', 'pong']);
  });

  it('answers once after the next start when it was killed in the middle of a turn', async () => {
    const house = await House.start();
    await house.say('@Andy sleep 3');
    await house.logged(/Container arguments/);
    await house.restart('SIGKILL');
    await house.answer(/slept/);
    await house.logged(/Turn done/);
    expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
    expect(house.query('SELECT status FROM runs ORDER BY seq')).toEqual([
      { status: 'interrupted' },
      { status: 'succeeded' },
    ]);
  });
});

describe('a connection that drops', () => {
  it('is restored by itself, and waiting messages are sent then', async () => {
    const house = await House.start();
    await house.say('@Andy sleep 1');
    await house.logged(/Container arguments/);
    house.simulator.faults.dropConnections();
    await house.answer(/slept/);
    // Whatever is said again would stand before the next answer.
    await house.idle();
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said().filter((text) => /slept/.test(text))).toHaveLength(1);
  });
});
