import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Owner } from './directories.ts';

/** A variable that the form of `env-dir/env` cannot carry. */
export class EnvValueError extends Error {
  override readonly name = 'EnvValueError';

  constructor(name: string) {
    super(`The variable ${name} holds a line break, which env-dir/env cannot carry. Set it without one.`);
  }
}

/**
 * Writes a run's environment directory, readable for the agent's user alone.
 * @throws EnvValueError
 */
export async function writeEnvDir(
  directory: string,
  env: Readonly<Record<string, string>>,
  owner: Owner | undefined,
): Promise<void> {
  const lines = Object.entries(env).map(([name, value]) => {
    if (/[\r\n\0]/.test(value)) throw new EnvValueError(name);
    return `${name}=${value}\n`;
  });
  const file = join(directory, 'env');
  await mkdir(directory, { mode: 0o700 });
  await writeFile(file, lines.join(''), { mode: 0o600, flag: 'wx' });
  if (owner === undefined) return;
  await chown(file, owner.uid, owner.gid);
  await chown(directory, owner.uid, owner.gid);
}

/** Removes a run's environment directory. */
export async function removeEnvDir(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}
