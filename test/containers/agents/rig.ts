import { onTestFinished } from 'vitest';
import type { Credentials } from '../../../src/agent/agent.ts';
import { KeyProxy } from '../../../src/credentials/key-proxy.ts';
import { makeProxyPlace } from '../../../src/credentials/proxy-place.ts';
import { type Script, startModelServer } from '../../model-server/model-server.ts';
import { type TestAgent, testAgent } from '../../support/sandbox.ts';
import { silentLog } from '../../support/silent-log.ts';
import { type EngineKind, engineRuntime } from '../engine-agent.ts';
import type { RealAgent } from './real-agents.ts';

export interface RigOptions {
  /** The host's variables; absent: a key and the address of the model's service. */
  readonly variables?: (url: string) => Readonly<Record<string, string>>;
}

/** A real agent in containers without a network, its keys in a proxy, its model's service on loopback. */
export async function agentRig(kind: EngineKind, agent: RealAgent, script: Script, options: RigOptions = {}) {
  const model = await startModelServer(agent.protocol, script);
  onTestFinished(() => model.close());
  const { variables = agent.env } = options;
  const late: { proxy?: KeyProxy } = {};
  const credentials: Credentials = {
    issue: (run) => {
      if (late.proxy === undefined) throw new Error('the keys’ proxy was not started');
      return late.proxy.issue(run);
    },
  };
  const runner = await testAgent({ credentials, runtime: (request) => engineRuntime(kind, request) });
  const proxy = new KeyProxy({
    place: await makeProxyPlace(
      { kind, platform: process.platform },
      {
        installId: runner.installId,
        owner: runner.runtime.owner,
        hostUid: process.getuid?.() ?? 1000,
        runtimeDirectory: process.env.XDG_RUNTIME_DIR,
      },
    ),
    readVariables: () => variables(model.url),
    onUsage: () => undefined,
    log: silentLog,
  });
  late.proxy = proxy;
  await proxy.start();
  onTestFinished(() => proxy.stop());
  const change = {
    provider: agent.provider,
    model: agent.env('').AGENT_MODEL,
    containerConfig: { network: 'none' as const },
  };
  return {
    model,
    agent: runner,
    request: (prompt: string, more: Parameters<TestAgent['request']>[1] = {}) =>
      runner.request(prompt, { ...change, ...more }),
    turn: (prompt: string, more: Parameters<TestAgent['turn']>[1] = {}) =>
      runner.turn(prompt, { ...change, ...more }),
  };
}
