// Bundles what runs in the sandbox, the protocol and its schemas included: nothing is compiled or installed when a
// container starts. The agents' own programs stay outside. Usage: node container/agent-runner/bundle.mjs
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');

// The runner, what it loads for Kimi alone, and the MCP server with the assistant's tools that the agents start.
const ENTRIES = {
  'runner.mjs': 'main.ts',
  'kimi.mjs': 'providers/kimi/turn.ts',
  'tools.mjs': 'tools-main.ts',
};

// The root's libraries, whether or not the agents are installed beside the sources with libraries of their own.
const rootLibraries = {
  name: 'root-libraries',
  setup: ({ onResolve, resolve }) => {
    const own = { resolveDir: root, pluginData: 'root' };
    onResolve({ filter: /^(?:zod|@modelcontextprotocol\/sdk|@agentclientprotocol\/sdk)(?:\/|$)/ }, (asked) =>
      asked.pluginData === 'root' ? undefined : resolve(asked.path, { ...own, kind: asked.kind }),
    );
  },
};

// A bundle of its own stays one.
const kimiApart = {
  name: 'kimi-apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/kimi\/turn\.ts$/ }, () => ({ path: './kimi.mjs', external: true }));
  },
};

for (const [name, source] of Object.entries(ENTRIES)) {
  const outfile = join(here, 'dist', name);
  // A sandbox may be starting with the old bundle: it sees that or the new one, never half of one.
  const temporary = `${outfile}.${process.pid}.tmp`;
  await build({
    entryPoints: [join(here, 'src', source)],
    outfile: temporary,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['@anthropic-ai/claude-agent-sdk'],
    plugins: [rootLibraries, kimiApart],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  await rename(temporary, outfile);
}
