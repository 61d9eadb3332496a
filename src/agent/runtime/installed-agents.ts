import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Provider } from '../../protocol/provider.ts';
import { exists } from './exists.ts';
import { AgentMissingError } from './runtime.ts';

/** What of the agents is installed on this machine, in the form that the image has below /app. */
export interface InstalledAgents {
  /** Host path and path inside of what exists. */
  readonly shown: readonly { readonly hostPath: string; readonly inside: string }[];
  /** Link and its target, both inside. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** The agents' own Node, inside; undefined: the host's is used. */
  readonly node: string | undefined;
  /** Directories of programs, inside. */
  readonly programs: readonly string[];
}

const MODULES = '/app/node_modules';

/** What the bundled runner loads or starts besides itself. */
const BESIDE_RUNNER = /^(?:tools|part-\w+)\.mjs$/;

/** A file that each agent's package has, below node_modules. */
const MARKS = {
  claude: '@anthropic-ai/claude-agent-sdk/package.json',
  codex: '@openai/codex/package.json',
  kimi: '@moonshot-ai/kimi-code/package.json',
} as const satisfies Record<Exclude<Provider, 'offline'>, string>;

function modulesOf(packageRoot: string): string {
  return join(packageRoot, 'container', 'agent-runner', 'node_modules');
}

/**
 * Makes sure that an agent's program is there.
 * @throws AgentMissingError
 */
export async function checkInstalled(packageRoot: string, provider: Provider): Promise<void> {
  if (provider === 'offline') return;
  const mark = join(modulesOf(packageRoot), MARKS[provider]);
  if (!(await exists(mark))) throw new AgentMissingError(provider, mark);
}

/**
 * Looks at what is installed.
 * @param runnerFile the bundled runner; what belongs to it lies beside it
 * @param arch as `process.arch` names it
 */
export async function findInstalledAgents(
  packageRoot: string,
  runnerFile: string,
  arch: string,
): Promise<InstalledAgents> {
  const modules = modulesOf(packageRoot);
  const candidates = [
    { hostPath: modules, inside: MODULES },
    { hostPath: join(packageRoot, 'container', 'skills'), inside: '/app/skills' },
    ...(await readdir(dirname(runnerFile)))
      .filter((name) => BESIDE_RUNNER.test(name))
      .map((name) => ({ hostPath: join(dirname(runnerFile), name), inside: `/app/agent-runner/${name}` })),
  ];
  const shown = [];
  for (const candidate of candidates) if (await exists(candidate.hostPath)) shown.push(candidate);

  const node = `node-linux-${arch}/bin`;
  const claude = `@anthropic-ai/claude-agent-sdk-linux-${arch}/claude`;
  const hasNode = await exists(join(modules, node, 'node'));
  const hasClaude = await exists(join(modules, claude));
  return {
    shown,
    links: hasClaude ? [{ path: '/app/bin/claude', target: `${MODULES}/${claude}` }] : [],
    node: hasNode ? `${MODULES}/${node}/node` : undefined,
    programs: [...(hasNode ? [`${MODULES}/${node}`] : []), `${MODULES}/.bin`],
  };
}
