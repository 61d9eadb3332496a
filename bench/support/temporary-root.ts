import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Paths, pathsAt } from '../../src/paths.ts';
import type { Cleanup } from './cleanup.ts';

/** A root of its own with `groups/`, `data/` and `store/`, and a home without settings; gone after the bench. */
export async function temporaryRoot(
  cleanup: Cleanup,
): Promise<{ readonly paths: Paths; readonly home: string }> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'nanoclaw-bench-')));
  cleanup.add(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
  // The sandbox of a root host runs as another user, who must be able to reach the group's folder.
  await chmod(root, 0o755);
  const home = join(root, 'home');
  const paths = pathsAt(root, home);
  for (const directory of [home, paths.groups, paths.data, paths.store])
    await mkdir(directory, { recursive: true });
  return { paths, home };
}
