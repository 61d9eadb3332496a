import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pathsAt } from '../../src/paths.ts';
import { House } from '../support/house.ts';

it('A host on a linked root is ready with no QR code or greeting and hears its owner and a group', async () => {
  const house = await House.start();
  const { simulator } = house;
  const { store, whatsappDatabase } = pathsAt(house.root);
  const modes = [store, whatsappDatabase].map((path) => statSync(path).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600]);
  const peter = simulator.addPerson({ name: 'Peter' });
  const family = simulator.createGroup({ subject: 'Family', members: [peter] });

  const leftAlone = new Promise<string>((resolve) => house.host.once('leftAlone', resolve));
  const hello = await simulator.say({ chat: family.jid, as: peter, text: 'hello all' });
  expect(await leftAlone).toContain(hello.id);
  await house.say('@Andy ping');
  expect((await house.answer(/./)).text).toBe('Andy: pong');
  await house.idle();
  expect(house.said()).toEqual(['pong']);
  expect(house.pairings).toBe(0);
  expect(simulator.problems).toEqual([]);
});
