import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { House } from '../support/house.ts';

/** For chokidar: it looks at the directories once an hour instead of hearing of their changes. */
const BLIND = { CHOKIDAR_USEPOLLING: 'true', CHOKIDAR_INTERVAL: '3600000' };

// With the host's own waiting time, 30 s.
it('a mailbox file of which no watcher tells is found by the rescan within 30 s', {
  timeout: 120_000,
}, async () => {
  const house = await House.start(BLIND, { hasRealTimes: true });
  await house.say('@Andy ping');
  await house.answer(/pong/);
  await house.idle();
  const mailbox = join(house.root, 'data', 'ipc', 'main', 'messages');
  const message = { type: 'message', chatJid: house.simulator.selfChat, text: 'found' };
  writeFileSync(join(mailbox, '.x'), JSON.stringify(message));
  renameSync(join(mailbox, '.x'), join(mailbox, 'x.json'));
  await house.answer(/found/);
  const started = await house.logged(/INFO: Sandbox: /);
  const taken = await house.logged(/Mailbox file taken/);
  const [startedAt, takenAt] = [started, taken].map((line) => Date.parse(line.slice(1, line.indexOf(']'))));
  expect((takenAt ?? 0) - (startedAt ?? 0)).toBeGreaterThanOrEqual(30_000);
});
