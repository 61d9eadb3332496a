import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claudeOptions } from '../../container/agent-runner/src/providers/claude/options.ts';
import { codexArguments } from '../../container/agent-runner/src/providers/codex/arguments.ts';
import { kimiEnvironment } from '../../container/agent-runner/src/providers/kimi/environment.ts';
import { childEnvironment } from '../../container/agent-runner/src/providers/programs/child-environment.ts';
import { testTurn } from '../../container/agent-runner/src/providers/test-turn.ts';
import { toolServer } from '../../container/agent-runner/src/tools/tool-server.ts';
import type { SandboxChild } from '../../src/agent/runtime/runtime.ts';
import { layoutAt } from '../../src/protocol/layout.ts';
import { anthropic } from '../../test/model-server/anthropic.ts';
import { chatProtocol } from '../../test/model-server/chat.ts';
import type { ModelProtocol } from '../../test/model-server/model-server.ts';
import { responsesProtocol } from '../../test/model-server/responses.ts';

const PROMPT = 'Hello';
const KEY = 'sk-bench-0123456789';
const MODEL = 'test-model';
const PATH = '/usr/local/bin:/usr/bin:/bin';
const TOOLS_INSIDE = '/app/agent-runner/tools.mjs';

/** An agent's program as the runner starts it, without the runner. */
export interface BareAgent {
  readonly provider: 'claude' | 'codex' | 'kimi';
  readonly protocol: ModelProtocol;
  readonly model: string | undefined;
  /** The host's variables for a service at this address. */
  variables(url: string): Readonly<Record<string, string>>;
  /**
   * The command inside.
   * @param group the group's folder on the host, in which a program may be laid down
   */
  command(group: string, url: string): Promise<readonly [string, ...string[]]>;
  /** Says what is to be said on stdin. */
  ask(child: SandboxChild): void;
}

function turn(env: Readonly<Record<string, string>>) {
  const input = { prompt: PROMPT, groupFolder: 'bench', chatJid: 'bench@g.us', isMain: false, model: MODEL };
  return testTurn({ layout: layoutAt(), input, env: { PATH, TZ: 'UTC', ...env } });
}

/** `env NAME=value … program argument …` */
function withEnvironment(
  env: Readonly<Record<string, string>>,
  program: string,
  args: readonly string[],
): [string, ...string[]] {
  return ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), program, ...args];
}

/** The bundle lies elsewhere on this side. */
function inside(text: string): string {
  const { args } = toolServer(turn({}));
  const [here = ''] = args;
  return text.replaceAll(here, TOOLS_INSIDE).replaceAll(process.execPath, 'node');
}

const claude: BareAgent = {
  provider: 'claude',
  protocol: anthropic,
  model: MODEL,
  variables: (url) => ({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url }),
  command: async (group, url) => {
    const { hooks: _, ...options } = claudeOptions(
      turn(claude.variables(url)),
      { group: undefined, global: undefined, earlier: undefined },
      // A function is no part of what is handed over: the SDK starts the program by itself.
      () => {
        throw new Error('the options are only told');
      },
    );
    const program = `
      import { query } from '/app/node_modules/@anthropic-ai/claude-agent-sdk/sdk.mjs';
      const options = ${inside(JSON.stringify(options))};
      async function* prompt() {
        yield { type: 'user', message: { role: 'user', content: ${JSON.stringify(PROMPT)} }, parent_tool_use_id: null };
        await new Promise(() => undefined);
      }
      for await (const _ of query({ prompt: prompt(), options }));
    `;
    await writeFile(join(group, 'bare.mjs'), program);
    return ['node', '/workspace/group/bare.mjs'];
  },
  ask: (child) => void child.stdin.end(),
};

const codex: BareAgent = {
  provider: 'codex',
  protocol: responsesProtocol,
  model: MODEL,
  variables: (url) => ({ CODEX_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1` }),
  command: async (_, url) => {
    const asked = turn(codex.variables(url));
    const env = childEnvironment(asked, { CODEX_HOME: '/home/node/.codex', CODEX_API_KEY: KEY });
    return withEnvironment(
      env,
      'codex',
      codexArguments(asked, undefined).map((argument) => inside(argument)),
    );
  },
  ask: (child) => void child.stdin.end(PROMPT),
};

const kimi: BareAgent = {
  provider: 'kimi',
  protocol: chatProtocol,
  model: MODEL,
  variables: (url) => ({ KIMI_API_KEY: KEY, KIMI_BASE_URL: `${url}/v1` }),
  command: async (_, url) => {
    const env = kimiEnvironment(turn(kimi.variables(url)), '/home/node/.kimi', MODEL);
    return withEnvironment(env, 'kimi', ['acp']);
  },
  ask: (child) => {
    const { name, args, env } = toolServer(turn({}));
    const server = {
      name,
      command: 'node',
      args: args.map(inside),
      env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    };
    const say = (id: number, method: string, params: object): void =>
      void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    let heard = '';
    let sessionId = '';
    child.stdout.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      const lines = heard.split('\n');
      heard = lines.pop() ?? '';
      for (const line of lines) {
        const { id, result } = JSON.parse(line) as { id?: number; result?: { sessionId?: string } };
        sessionId = result?.sessionId ?? sessionId;
        if (id === 1) say(2, 'session/new', { cwd: '/workspace/group', mcpServers: [server] });
        if (id === 2) say(3, 'session/set_mode', { sessionId, modeId: 'auto' });
        if (id === 3) say(4, 'session/prompt', { sessionId, prompt: [{ type: 'text', text: PROMPT }] });
      }
    });
    say(1, 'initialize', { protocolVersion: 1, clientCapabilities: {} });
  },
};

export const BARE_STARTS: readonly BareAgent[] = [claude, codex, kimi];
