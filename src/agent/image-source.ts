import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { Runtime } from './runtime/runtime.ts';

/** What the image is made from, below the package's root. */
const SOURCES = ['container', 'src/protocol'] as const;
const BUILT = ['node_modules', 'dist'];
const DIGITS = 16;

/**
 * The hash of what the image would be built from now; a fresh image carries the same as its label `nanoclaw.source`.
 * `container/lib/source-hash.sh` says how it is made, and computes the same when an image is built.
 * @param packageRoot absolute path of the project's folder
 * @returns 16 hexadecimal digits
 * @throws when a source cannot be read
 */
export async function sourceHash(packageRoot: string): Promise<string> {
  const files = (await Promise.all(SOURCES.map((source) => filesBelow(packageRoot, source)))).flat();
  const inOrder = files.map((path) => Buffer.from(path)).sort(Buffer.compare);
  const all = createHash('sha256');
  for (const path of inOrder) {
    const content = await readFile(join(packageRoot, path.toString()));
    all.update(`${createHash('sha256').update(content).digest('hex')}  ${path}\n`);
  }
  return all.digest('hex').slice(0, DIGITS);
}

/** The files that count, as paths relative to the root. */
async function filesBelow(root: string, directory: string): Promise<string[]> {
  const entries = await readdir(join(root, directory), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry): Promise<string[]> => {
      const path = `${directory}/${entry.name}`;
      if (entry.name.startsWith('.')) return [];
      if (entry.isDirectory()) return BUILT.includes(entry.name) ? [] : filesBelow(root, path);
      return entry.isFile() && !entry.name.endsWith('.test.ts') ? [path] : [];
    }),
  );
  return found.flat();
}

/**
 * Warns when the image was built from other sources than the checkout's: what was changed there does not reach the agent.
 * Never rejects: a start does not hang on a warning, and an editor may save a source by a rename while it is read.
 */
export async function warnOfStaleImage(
  runtime: Pick<Runtime, 'imageSource'>,
  packageRoot: string,
  log: Log,
): Promise<void> {
  try {
    const built = await runtime.imageSource();
    if (built === undefined) return;
    const current = await sourceHash(packageRoot);
    if (built === current) return;
    log.warn(
      { image: built, checkout: current },
      'The image was not built from this checkout; build it anew: container/build.sh',
    );
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'The image cannot be compared with this checkout');
  }
}
