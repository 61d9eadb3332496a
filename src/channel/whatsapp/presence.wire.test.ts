import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { Rig } from './testing/rig.ts';

/** The types of presence that the client has told the server. */
function presences(wireLog: string): string[] {
  return readFileSync(wireLog, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { direction?: string; tag?: string; attrs?: { type?: string } })
    .filter(({ direction, tag }) => direction === 'in' && tag === 'presence')
    .map(({ attrs }) => attrs?.type ?? 'none');
}

it('the assistant is never online, which would silence the phone’s notifications', async () => {
  const wireLog = join(temporaryDirectory(), 'wire.jsonl');
  const rig = new Rig(await Simulator.start({ owner: { name: 'Maria' }, wireLog }));
  onTestFinished(() => rig.close());
  await rig.pair();
  await rig.listener.until(
    () => rig.listener.accounts.at(-1) && rig.listener.chats.find(({ name }) => name === 'Maria'),
    'the name',
  );
  await rig.channel.setTyping(rig.server.selfChat, true);
  await rig.channel.send(rig.server.selfChat, { kind: 'text', text: 'hello' }, rig.channel.newWireId());
  await rig.channel.setTyping(rig.server.selfChat, false);
  await rig.restart();
  await rig.listener.line('open');
  await rig.server.say({ chat: rig.server.selfChat, text: 'last' });
  await rig.listener.message('last');
  await rig.channel.stop();
  // Only then everything is in its log.
  await rig.server.close();
  const types = presences(wireLog);
  expect(types).toContain('unavailable');
  expect(types).not.toContain('available');
  // The client itself tells a new name without saying that nobody is there.
  expect(types.lastIndexOf('unavailable')).toBeGreaterThan(types.lastIndexOf('none'));
});
