import { readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram, isExecutable } from '../programs/find-program.ts';

/** The npm package's launcher, a script that only looks for the program and starts it. */
const LAUNCHER = /\/@openai\/codex\/bin\/codex\.js$/;

/**
 * The Codex program. Where PATH names the npm package's launcher, the program itself: a Node start less.
 * @throws TurnFailure (not_installed) when there is none
 */
export async function codexProgram(path: string | undefined): Promise<string> {
  const found = await findProgram('codex', path);
  const target = await realpath(found);
  if (!LAUNCHER.test(target)) return found;
  return (await nativeProgram(join(dirname(target), '..', '..'))) ?? found;
}

/** Looks below `node_modules/@openai` for `codex-PLATFORM/vendor/TRIPLE/bin/codex`. */
async function nativeProgram(scope: string): Promise<string | undefined> {
  const names = (directory: string) => readdir(directory).catch(() => []);
  const platform = `codex-${process.platform}-${process.arch}`;
  for (const name of (await names(scope)).filter((other) => other === platform)) {
    const vendor = join(scope, name, 'vendor');
    for (const triple of await names(vendor)) {
      const file = join(vendor, triple, 'bin', 'codex');
      if (await isExecutable(file)) return file;
    }
  }
  return undefined;
}
