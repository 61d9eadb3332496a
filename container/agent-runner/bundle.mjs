// Bundles what runs in the sandbox, the protocol and its schemas included, into one file each: nothing is compiled or
// installed when a container starts. The agents' own programs stay outside. Usage: node container/agent-runner/bundle.mjs
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

// The runner, and the MCP server with the assistant's tools that the agents start.
const ENTRIES = { 'runner.mjs': 'main.ts', 'tools.mjs': 'tools-main.ts' };

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
    legalComments: 'none',
    logLevel: 'warning',
  });
  await rename(temporary, outfile);
}
