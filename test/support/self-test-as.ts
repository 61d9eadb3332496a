import { execFile } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Owner } from '../../src/agent/directories.ts';
import type { Finding } from '../../src/agent/runtime/self-test.ts';
import { PACKAGE_ROOT, sharedDirectory } from './sandbox.ts';

export interface SelfTest {
  readonly description: string;
  readonly findings: readonly Finding[];
  /** What was left below the root's directories; the memory that all groups share is to stay. */
  readonly leftovers: readonly string[];
}

/**
 * Tests a runtime in a process of its own, on a root of its own that belongs to its user.
 * @param user another user than whoever runs the tests; needs root
 */
export async function selfTestAs(
  kind: string,
  user: Owner | undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<SelfTest> {
  const root = sharedDirectory();
  const places = [
    'groups',
    'data',
    'data/env',
    'data/env/runs',
    'data/ipc',
    'data/sessions',
    'data/attachments',
  ];
  for (const place of places) mkdirSync(join(root, place));
  mkdirSync(join(root, 'tmp'));
  if (user !== undefined)
    for (const place of ['', ...places, 'tmp']) chownSync(join(root, place), user.uid, user.gid);
  const script = join(PACKAGE_ROOT, 'test', 'support', 'self-test.ts');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', script, root, PACKAGE_ROOT, kind],
    {
      cwd: PACKAGE_ROOT,
      env: { ...process.env, TMPDIR: join(root, 'tmp'), ...env },
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    },
  );
  const leftovers: string[] = [];
  for (const place of ['groups', 'data/ipc', 'data/sessions', 'data/attachments', 'data/env/runs'])
    leftovers.push(...(await readdir(join(root, place))).filter((name) => name !== 'global'));
  return { ...JSON.parse(stdout), leftovers };
}
