import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chooseTestRuntime, type RuntimeRequest, testAgent } from '../../test/support/sandbox.ts';
import type { Runtime } from './runtime/runtime.ts';
import { SandboxLeftError } from './runtime/runtime.ts';

/** The tests' runtime, with an engine that does not end what it is told to while it is stuck. */
async function stuckRuntime(request: RuntimeRequest, state: { isStuck: boolean }): Promise<Runtime> {
  const runtime = await chooseTestRuntime(request);
  const refuse = (name: string): void => {
    if (state.isStuck) throw new SandboxLeftError('Docker', name, 'it does not answer', 'docker');
  };
  return {
    kind: runtime.kind,
    description: runtime.description,
    owner: runtime.owner,
    shortcomings: runtime.shortcomings,
    check: () => runtime.check(),
    listOwn: () => runtime.listOwn(),
    imageSource: () => runtime.imageSource(),
    kill: async (name) => {
      refuse(name);
      await runtime.kill(name);
    },
    start: async (spec) => {
      const sandbox = await runtime.start(spec);
      const dispose = async (): Promise<void> => {
        refuse(spec.name);
        await sandbox.dispose();
      };
      return { ...sandbox, dispose };
    },
  };
}

it('a sandbox that may still run delays its own group’s next turn, and no other group’s', async () => {
  const state = { isStuck: true };
  const agent = await testAgent({ runtime: (request) => stuckRuntime(request, state) });
  const first = await agent.turn('@Andy ping');
  expect(first.results).toEqual(['pong']);
  expect((await agent.turn('@Andy ping')).outcome).toMatchObject({
    ...{ reason: 'start_failed', retryable: true, error: expect.stringContaining('docker rm --force') },
  });
  const other = { groupFolder: 'friends', chatJid: 'friends@g.us' };
  expect((await agent.turn('@Andy ping', other)).results).toEqual(['pong']);
  state.isStuck = false;
  expect((await agent.turn('@Andy ping')).results).toEqual(['pong']);
});

it('a follow-up whose directory cannot be read counts as not taken', async () => {
  const agent = await testAgent();
  const ipc = agent.paths.groupIpc('family');
  await mkdir(ipc, { recursive: true });
  await writeFile(join(ipc, 'input'), 'no directory');
  expect(await agent.runner.hasTaken('family', '1.json')).toBe(false);
});
