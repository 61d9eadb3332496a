import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ContainerRunner } from '../../src/agent/container-runner.ts';
import { chooseRuntime } from '../../src/agent/runtime/choose.ts';
import { pathsAt } from '../../src/paths.ts';
import type { Provider } from '../../src/protocol/provider.ts';
import { PACKAGE_ROOT, sharedDirectory, type TestAgentOptions, testAgent } from '../support/sandbox.ts';
import { rememberingLog } from '../support/silent-log.ts';
import { engine, engineRuntime, KINDS } from './engine-agent.ts';
import { TEST_IMAGE } from './image.ts';

const FRAME =
  '---NANOCLAW_OUTPUT_START---\\n{"status":"success","result":"x"}\\n---NANOCLAW_OUTPUT_END---\\n';

async function poorContext(): Promise<string> {
  const context = sharedDirectory();
  await writeFile(join(context, 'Dockerfile'), `FROM ${TEST_IMAGE}\n`);
  return context;
}

describe.each(KINDS)('%s', (kind) => {
  const engineAgent = (options: TestAgentOptions = {}) =>
    testAgent({ ...options, runtime: (request) => engineRuntime(kind, request) });

  describe('a turn in a container', () => {
    it('is answered, resumed in another container, and leaves none behind', async () => {
      const agent = await engineAgent();
      const first = await agent.turn('@Andy echo hello');
      expect(first.outcome).toMatchObject({ reason: 'exited', exitCode: 0, frames: 2 });
      expect(first.results).toEqual(['hello']);
      const sessionId = first.frames[0]?.newSessionId;
      const second = await agent.turn('@Andy what did I say before?', { sessionId });
      expect(second.results).toEqual(['Before this you said: “echo hello”']);
      expect(await agent.runtime.listOwn()).toEqual([]);
      expect(await readdir(agent.paths.groupLogs('family'))).toHaveLength(2);
    });

    it('is hardened, named and labelled', async () => {
      const agent = await engineAgent();
      const running = await agent.runner.run(agent.request('@Andy hang'), async () => undefined);
      await expect.poll(() => agent.runtime.listOwn(), { timeout: 20_000 }).toEqual([running.name]);
      const [found] = JSON.parse(await engine(kind, 'inspect', running.name));
      await running.stop();
      await running.done;
      expect(running.name).toMatch(/^nanoclaw-[0-9a-f]{8}-family-[0-9a-f]{12}$/);
      expect(found.Config).toMatchObject({
        User: '1000:1000',
        Labels: { 'nanoclaw.install': agent.installId },
      });
      expect(found.HostConfig).toMatchObject({
        SecurityOpt: expect.arrayContaining(['no-new-privileges', expect.stringMatching(/^seccomp=/)]),
        ReadonlyRootfs: true,
        NetworkMode: 'none',
        Init: true,
        Privileged: false,
      });
      expect(found.HostConfig.PidsLimit).toBeGreaterThan(0);
      expect(found.HostConfig.Memory).toBeGreaterThan(0);
      expect(found.HostConfig.NanoCpus).toBeGreaterThan(0);
      // Docker repeats what it was told, Podman spells it out.
      if (kind === 'docker') {
        expect(found.HostConfig.CapDrop).toEqual(['ALL']);
        expect(found.HostConfig.SecurityOpt).toContain('label=disable');
      } else expect(found.EffectiveCaps ?? []).toEqual([]);
    });

    it('keeps the key out of its environment, its arguments and every log', async () => {
      const key = 'sk-canary-0123456789abcdef';
      const { log, lines } = rememberingLog();
      const agent = await engineAgent({
        log,
        settings: { credentialsMode: 'mount' },
        credentials: {
          issue: async () => ({
            env: { ANTHROPIC_API_KEY: key },
            mounts: [],
            release: async () => undefined,
          }),
        },
      });
      const running = await agent.runner.run(agent.request('@Andy hang'), async () => undefined);
      await expect.poll(() => agent.runtime.listOwn(), { timeout: 20_000 }).toEqual([running.name]);
      expect(await engine(kind, 'inspect', running.name)).not.toContain(key);
      await running.stop();
      await running.done;
      await agent.turn('@Andy say secrets');
      const logs = agent.paths.groupLogs('family');
      for (const name of await readdir(logs))
        expect(await readFile(join(logs, name), 'utf8')).not.toContain(key);
      expect(JSON.stringify(lines)).not.toContain(key);
    });
  });

  describe('a host with another user than 1000', () => {
    it('gives its own uid to the agent, and a name to the uid', async () => {
      const frame =
        "(result) => process.stdout.write('---NANOCLAW_OUTPUT_START---\\n' + JSON.stringify({ status: 'success', result }) + '\\n---NANOCLAW_OUTPUT_END---\\n')";
      const agent = await testAgent({
        program: `import os from 'node:os'; const say = ${frame}; const { uid, username, homedir } = os.userInfo(); say([uid, username, homedir].join(' '));`,
        runtime: (request) => engineRuntime(kind, request, { uid: 1234, gid: 1234 }),
      });
      expect((await agent.turn('x')).results).toEqual(['1234 node /home/node']);
    });
  });

  describe('an agent that misbehaves in a container', () => {
    it.each([
      ['crash', { reason: 'exited', exitCode: 70, frames: 0 }],
      ['vanish', { reason: 'exited', exitCode: 0, frames: 0 }],
      ['flood frame 100', { reason: 'bad_output', frames: 0 }],
      ['leave a frame open', { reason: 'bad_output', frames: 0 }],
    ])('an agent that does “%s” is reported as failed', async (fault, outcome) => {
      const agent = await engineAgent();
      expect((await agent.turn(`@Andy ${fault}`)).outcome).toMatchObject(outcome);
      expect(await agent.runtime.listOwn()).toEqual([]);
    });

    it.each(['hang', 'hang on'])(
      'an agent that does “%s” leaves no container after its deadline',
      async (fault) => {
        const agent = await engineAgent({ timings: { minDeadlineAfterIdleMs: 0 } });
        const { outcome } = await agent.turn(`@Andy ${fault}`, { containerConfig: { timeout: 4_000 } });
        expect(outcome.reason).toBe('timeout');
        expect(await agent.runtime.listOwn()).toEqual([]);
      },
    );

    it('is ended even while its container is being created', async () => {
      const agent = await engineAgent();
      const running = await agent.runner.run(agent.request('@Andy hang on'), async () => undefined);
      await running.stop();
      expect(await running.done).toMatchObject({ reason: 'stopped' });
      expect(await agent.runtime.listOwn()).toEqual([]);
    });
  });

  describe('an agent that is ended from outside', () => {
    const speaking = (source: string) => `process.stdout.write('${FRAME}'); ${source}`;

    it('is reported as out of memory, or as possibly so where the engine does not know', async () => {
      // Podman's monitor does not see it with version 1 of the control groups.
      const knows =
        kind === 'docker' || (await engine(kind, 'info', '--format', '{{.Host.CgroupsVersion}}')) === 'v2';
      const agent = await engineAgent();
      const hungry = await testAgent({
        paths: agent.paths,
        program: speaking('const kept = []; for (;;) kept.push(Buffer.alloc(32 * 1024 * 1024, 1));'),
        runtime: (request) => engineRuntime(kind, request),
      });
      const { outcome } = await hungry.turn('x');
      const killed = 'exit code 137 \\(SIGKILL: for want of memory, or somebody ended it\\)';
      expect(outcome).toMatchObject({
        exitCode: 137,
        frames: 1,
        reason: knows ? 'out_of_memory' : 'exited',
        error: expect.stringMatching(new RegExp(`^${knows ? 'it ran out of memory, ' : ''}${killed}`)),
      });
      expect(await agent.runtime.listOwn()).toEqual([]);
    });

    it('is reported with the signal that ended it', async () => {
      const agent = await testAgent({
        program: speaking("process.kill(process.pid, 'SIGSEGV');"),
        runtime: (request) => engineRuntime(kind, request),
      });
      const { outcome } = await agent.turn('x');
      expect(outcome).toMatchObject({ reason: 'exited', exitCode: 139 });
      expect(outcome.error).toContain('SIGSEGV');
    });
  });

  describe('the image', () => {
    it('reports what it was built from, or nothing where it has no such label', async () => {
      const agent = await engineAgent();
      const label = '{{index .Config.Labels "nanoclaw.source"}}';
      const source = await engine(kind, 'image', 'inspect', '--format', label, TEST_IMAGE);
      expect(source).toMatch(/^[0-9a-f]{16}$/);
      expect(await agent.runtime.imageSource()).toBe(source);
    });
  });

  describe('an image that was built without the agent', () => {
    it('stops the start, and the error names the command that fixes it', async () => {
      const agent = await engineAgent();
      const image = `nanoclaw-agent:test-poor-${process.pid}`;
      const label = 'nanoclaw.providers=kimi';
      await engine(kind, 'build', '--quiet', '--label', label, '--tag', image, await poorContext());
      onTestFinished(async () => {
        await engine(kind, 'image', 'rm', '--force', image);
      });
      const choose = (provider: Provider) =>
        chooseRuntime({
          ...{ requested: kind, provider, image, installId: agent.installId, paths: agent.paths },
          ...{ packageRoot: PACKAGE_ROOT, log: rememberingLog().log, environment: process.env },
        });
      await expect(choose('claude')).rejects.toThrow(/AGENT_PROVIDERS=kimi,claude container\/build\.sh/);
      expect((await choose('kimi')).kind).toBe(kind);
      expect((await choose('offline')).kind).toBe(kind);
    });
  });

  describe('a container that cannot start', () => {
    it('names the fix for a missing image, both when the runtime is chosen and when the image was removed since', async () => {
      const agent = await engineAgent();
      const choose = (image: string) =>
        chooseRuntime({
          requested: kind,
          provider: 'offline',
          image,
          installId: agent.installId,
          paths: agent.paths,
          packageRoot: PACKAGE_ROOT,
          log: rememberingLog().log,
          environment: process.env,
        });
      await expect(choose('nanoclaw-no-such-image:latest')).rejects.toThrow(/container\/build\.sh/);
      await engine(kind, 'tag', TEST_IMAGE, 'nanoclaw-agent:test-soon-gone');
      const runtime = await choose('nanoclaw-agent:test-soon-gone');
      await engine(kind, 'image', 'rm', 'nanoclaw-agent:test-soon-gone');
      const gone = await testAgent({ paths: agent.paths, runtime: async () => runtime });
      expect(gone.runner).toBeInstanceOf(ContainerRunner);
      const { outcome } = await gone.turn('@Andy ping');
      expect(outcome).toMatchObject({ reason: 'start_failed', retryable: false, frames: 0 });
      expect(outcome.error).toMatch(/container\/build\.sh/);
    });
  });

  describe('a container after the host was killed', () => {
    it('is removed by the next host, and another install’s containers are left alone', async () => {
      const root = sharedDirectory();
      const paths = pathsAt(root, root);
      await mkdir(paths.groups);
      await mkdir(paths.data);
      const script = join(PACKAGE_ROOT, 'test', 'support', 'lonely-host.ts');
      const host = spawn(process.execPath, ['--import', 'tsx', script, root, PACKAGE_ROOT, kind], {
        cwd: PACKAGE_ROOT,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, CONTAINER_IMAGE: TEST_IMAGE },
      });
      onTestFinished(() => void host.kill('SIGKILL'));
      const name = ((await once(host.stdout, 'data')) as [Buffer])[0].toString().trim();
      const owner = await engineAgent({ paths });
      await expect.poll(() => owner.runtime.listOwn(), { timeout: 20_000 }).toEqual([name]);
      host.kill('SIGKILL');
      await once(host, 'exit');
      const stranger = await engineAgent();
      expect(await stranger.runner.removeOrphans()).toBe(0);
      expect(await owner.runtime.listOwn()).toEqual([name]);
      expect(await owner.runner.removeOrphans()).toBe(1);
      expect(await owner.runtime.listOwn()).toEqual([]);
    });
  });
});
