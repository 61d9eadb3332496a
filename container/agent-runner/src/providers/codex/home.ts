import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Layout } from '../../../../../src/protocol/layout.ts';

/** What Codex reads from its own folder at the start of every turn, resumed ones included. */
const INSTRUCTIONS_FILE = 'AGENTS.md';

/**
 * Writes what Codex is to know into its folder. Codex compares it with what the session was last told and passes on
 * what changed, so that nothing freezes with a session.
 * @returns the folder: one for this run alone where the mounted one cannot be written; its session is then not kept
 */
export async function prepareCodexHome(layout: Layout, instructions: string): Promise<string> {
  const home = join(layout.home, '.codex');
  try {
    await writeInstructions(home, instructions);
    return home;
  } catch (error) {
    const spare = join(tmpdir(), `codex-${process.pid}-${Date.now()}`);
    process.stderr.write(
      `${home} cannot be written, the session will not be kept: ${(error as Error).message}\n`,
    );
    await writeInstructions(spare, instructions);
    return spare;
  }
}

async function writeInstructions(home: string, instructions: string): Promise<void> {
  await mkdir(home, { recursive: true });
  const file = join(home, INSTRUCTIONS_FILE);
  const temporary = `${file}.${process.pid}-${Date.now()}.tmp`;
  await writeFile(temporary, instructions, { flag: 'wx' });
  // A directory of that name, or a link that an earlier agent left, must not stand in the way.
  await rm(file, { recursive: true, force: true });
  await rename(temporary, file);
}
