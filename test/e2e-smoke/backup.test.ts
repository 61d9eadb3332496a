import { join } from 'node:path';
import { expect, it } from 'vitest';
import { House } from '../support/house.ts';
import { nanoclaw } from '../support/nanoclaw.ts';
import { sharedDirectory } from '../support/sandbox.ts';

it('a backup of a running host restores in a new root, which keeps account and memory and repeats nothing', async () => {
  const house = await House.start();
  await house.say('@Andy remember the backup');
  await house.answer(/./);
  await house.idle();
  const file = join(house.root, 'backup.tar.gz');
  expect(await nanoclaw(house.root, 'backup', file)).toMatch(/and the WhatsApp account with its keys/);
  await house.end('SIGKILL');

  const root = sharedDirectory();
  expect(await nanoclaw(root, 'restore', file)).toMatch(/The WhatsApp account \+\d+ is the backup's/);
  const before = house.said().length;
  await house.moveTo(root);
  await house.say('@Andy what do you remember?');
  await house.answer(/the backup/);
  await house.idle();
  expect(house.said()).toHaveLength(before + 1);
  expect(house.pairings).toBe(0);
});
