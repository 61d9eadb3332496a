import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The host, and what the tests load into it or run in its place: name → source. */
const PROGRAMS = {
  cli: 'src/cli.ts',
  'crashing-connection': 'test/support/crashing-connection.ts',
  restore: 'test/faults/restore/main.ts',
  'slow-start': 'test/support/slow-start.ts',
  'stop-hangs': 'test/support/stop-hangs.ts',
  'stop-throws': 'test/support/stop-throws.ts',
  upgrade: 'test/faults/upgrade/main.ts',
} as const;

/** Names the directory of the compiled programs for the processes of the tests. */
const VARIABLE = 'NANOCLAW_TEST_PROGRAMS';

/**
 * Compiles the programs of the tests as the sources are now; `testProgram` finds them from then on.
 * @returns their directory, to be removed after the tests
 */
export async function compileTestPrograms(): Promise<string> {
  const directory = await compile(PROGRAMS);
  process.env[VARIABLE] = directory;
  return directory;
}

/** @returns the path of a program that the global set-up has compiled */
export function testProgram(name: keyof typeof PROGRAMS): string {
  const directory = process.env[VARIABLE];
  if (directory === undefined)
    throw new Error(`${VARIABLE} is not set: this project lacks its global set-up`);
  return join(directory, `${name}.mjs`);
}

/**
 * Compiles programs of this package together, so that they share their classes. They start in a fifth of the time of
 * files that are compiled as they are loaded.
 * @param entryPoints name of the program → its source below the package's folder
 * @returns the directory that holds each as `<name>.mjs`: one folder below the package's, as the host expects it
 */
export async function compile(entryPoints: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(PACKAGE_ROOT, '.programs-'));
  await build({
    entryPoints: { ...entryPoints },
    absWorkingDir: PACKAGE_ROOT,
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  });
  return directory;
}
