import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pathsAt } from '../paths.ts';
import { layoutAt } from '../protocol/layout.ts';
import { planMounts } from './mounts.ts';

const paths = pathsAt('/root-of-it', '/home/me');
const project = [{ hostPath: '/package/src', containerPath: '/workspace/project/src', readonly: true }];
const plan = {
  groupFolder: 'family',
  isMain: false,
  paths,
  layout: layoutAt(),
  runEnv: '/root-of-it/data/env/runs/1',
  project,
  extra: [{ hostPath: '/projects/x', containerPath: '/workspace/extra/x', readonly: true }],
  credentials: [{ hostPath: '/run/proxy', containerPath: '/run/nanoclaw', readonly: true }],
};

const asLines = (change = {}) =>
  planMounts({ ...plan, ...change }).map(
    ({ hostPath, containerPath, readonly }) => `${readonly ? 'ro' : 'rw'} ${containerPath} ${hostPath}`,
  );

describe('the mounts of a sandbox', () => {
  it('are those of the contract, and no others', () => {
    expect(asLines()).toEqual([
      'rw /home/node/.claude /root-of-it/data/sessions/family/.claude',
      'rw /home/node/.codex /root-of-it/data/sessions/family/.codex',
      'rw /home/node/.kimi /root-of-it/data/sessions/family/.kimi',
      'ro /run/nanoclaw /run/proxy',
      'ro /workspace/attachments /root-of-it/data/attachments/family',
      'ro /workspace/env-dir /root-of-it/data/env/runs/1',
      'ro /workspace/extra/x /projects/x',
      'ro /workspace/global /root-of-it/groups/global',
      'rw /workspace/group /root-of-it/groups/family',
      'ro /workspace/group/logs /root-of-it/groups/family/logs',
      'ro /workspace/ipc /root-of-it/data/ipc/family',
      'rw /workspace/ipc/files /root-of-it/data/ipc/family/files',
      'rw /workspace/ipc/input /root-of-it/data/ipc/family/input',
      'rw /workspace/ipc/messages /root-of-it/data/ipc/family/messages',
      'rw /workspace/ipc/tasks /root-of-it/data/ipc/family/tasks',
    ]);
  });

  it('the mounts of main are the same, with the project and a writable global memory', () => {
    const everyone = asLines();
    const main = asLines({ isMain: true });
    expect(main.filter((line) => !everyone.includes(line))).toEqual([
      'rw /workspace/global /root-of-it/groups/global',
      'ro /workspace/project/src /package/src',
    ]);
    expect(main).toHaveLength(everyone.length + 1);
  });
});

it.each(['claude', 'codex', 'kimi'])(
  'the guides’ commands find the session mount of %s in src/container-runner.ts',
  (provider) => {
    const source = readFileSync(new URL('../container-runner.ts', import.meta.url), 'utf8');
    const title = `${provider[0]?.toUpperCase()}${provider.slice(1)} sessions`;
    // As `grep -A3 "Claude sessions" src/container-runner.ts` shows it.
    const lines = source.split('\n');
    const at = lines.findIndex((line) => line.includes(title));
    expect(lines.slice(at, at + 4).join('\n')).toContain(`containerPath: '/home/node/.${provider}'`);
    expect(planMounts(plan).map(({ containerPath }) => containerPath)).toContain(`/home/node/.${provider}`);
  },
);
