// Bundles the agent runner, the protocol and its schemas into one file: nothing is compiled or installed when a
// container starts. Usage: node container/agent-runner/bundle.mjs [OUTFILE]
import { rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const outfile = process.argv[2] === undefined ? join(here, 'dist', 'runner.mjs') : resolve(process.argv[2]);

// A sandbox may be starting with the old bundle: it sees that or the new one, never half of one.
const temporary = `${outfile}.${process.pid}.tmp`;
await build({
  entryPoints: [join(here, 'src', 'main.ts')],
  outfile: temporary,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
});
await rename(temporary, outfile);
