// Bundles what runs in the sandbox, the protocol and its schemas included: nothing is compiled or installed when a
// container starts. The agents' own programs stay outside. Usage: node container/agent-runner/bundle.mjs
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const dist = join(here, 'dist');

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

const { outputFiles } = await build({
  // The runner, and the MCP server with the assistant's tools that the agents start. What they import only when it is
  // needed, one agent's provider for instance, is a file of its own.
  entryPoints: { runner: join(here, 'src', 'main.ts'), tools: join(here, 'src', 'tools-main.ts') },
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'part-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  plugins: [rootLibraries],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
});

// A sandbox may be starting with the old bundle: it sees that or the new one, whole. The parts first, which have names of
// their own; then what names them; then the parts that nobody names any more go.
await mkdir(dist, { recursive: true });
const work = await mkdtemp(join(dist, '.new-'));
const names = outputFiles.map(({ path }) => path.slice(dist.length + 1)).sort();
for (const { path, contents } of outputFiles)
  await writeFile(join(work, path.slice(dist.length + 1)), contents);
for (const name of names) await rename(join(work, name), join(dist, name));
await rm(work, { recursive: true });
for (const name of await readdir(dist)) {
  if (/\.mjs$/.test(name) && !names.includes(name)) await rm(join(dist, name));
}
