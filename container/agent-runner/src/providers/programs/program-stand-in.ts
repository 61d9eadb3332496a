import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Puts a program of that name into a directory of its own: a module for the Node that runs the tests.
 * @returns the directory, for PATH
 */
export async function standIn(directory: string, name: string, source: string): Promise<string> {
  const bin = join(directory, 'bin');
  await mkdir(bin, { recursive: true });
  const module = join(directory, `${name}.mjs`);
  await writeFile(module, source);
  const file = join(bin, name);
  await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${module}" "$@"\n`);
  await chmod(file, 0o755);
  return bin;
}
