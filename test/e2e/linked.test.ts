import { statSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { HostProcess } from '../../simulator/demo/host-process.ts';
import { Simulator } from '../../simulator/simulator.ts';
import { pathsAt } from '../../src/paths.ts';
import { linkRoot } from '../support/linked-root.ts';
import { sharedDirectory } from '../support/sandbox.ts';

const TIMEOUT_MS = 90_000;

it('A host on a linked root is ready with no QR code or greeting and hears its owner and a group', async () => {
  const root = sharedDirectory();
  const simulator = await Simulator.start({ owner: { name: 'Ann' } });
  onTestFinished(() => simulator.close());
  const peter = simulator.addPerson({ name: 'Peter' });
  const family = simulator.createGroup({ subject: 'Family', members: [peter] });
  await linkRoot(simulator, root);
  const { store, whatsappDatabase } = pathsAt(root);
  const modes = [store, whatsappDatabase].map((path) => statSync(path).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600]);
  const qrs: string[] = [];
  const host = new HostProcess({
    root,
    whatsappUrl: simulator.url,
    rootKey: simulator.rootKey,
    onQr: (qr) => qrs.push(qr),
  });
  onTestFinished(() => host.stop());
  await host.ready();

  const leftAlone = new Promise<string>((resolve) => host.once('leftAlone', resolve));
  const hello = await simulator.say({ chat: family.jid, as: peter, text: 'hello all' });
  expect(await leftAlone).toContain(hello.id);
  await simulator.say({ chat: simulator.selfChat, text: '@Andy ping' });
  const answer = await simulator.waitFor(({ byDevice }) => byDevice, { timeoutMs: TIMEOUT_MS });
  expect(answer).toMatchObject({ chat: simulator.selfChat, text: 'Andy: pong' });
  const said = simulator.chat(simulator.selfChat).filter(({ byDevice }) => byDevice);
  expect(said).toHaveLength(1);
  expect(qrs).toEqual([]);
  expect(simulator.problems).toEqual([]);
});
