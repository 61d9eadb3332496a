import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Layout } from '../../../../../src/protocol/layout.ts';

/**
 * The folder that Kimi keeps its sessions in.
 * @returns one for this run alone where the mounted one cannot be written; its session is then not kept
 */
export async function kimiHome(layout: Layout): Promise<string> {
  const home = join(layout.home, '.kimi');
  try {
    await mkdir(home, { recursive: true });
    await access(home, constants.W_OK);
    return home;
  } catch (error) {
    process.stderr.write(
      `${home} cannot be written, the session will not be kept: ${(error as Error).message}\n`,
    );
    const spare = join(tmpdir(), `kimi-${process.pid}`);
    await mkdir(spare, { recursive: true });
    return spare;
  }
}

/** Kimi's own log. */
export function logFile(home: string): string {
  return join(home, 'logs', 'kimi-code.log');
}

/** How long Kimi's own log is, in bytes: what comes after it is the coming run's. */
export async function logSize(home: string): Promise<number> {
  return stat(logFile(home)).then(
    ({ size }) => size,
    () => 0,
  );
}
