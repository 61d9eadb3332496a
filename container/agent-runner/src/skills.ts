import { mkdir, readdir, readlink, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SESSION_DIRECTORIES } from '../../../src/protocol/layout.ts';

/** Where the skills that come with the assistant lie in every sandbox, a directory each. */
export const SKILLS_DIRECTORY = '/app/skills';

/**
 * Shows the assistant's skills to whichever agent runs: a link per skill in `skills/` below each agent's own directory.
 * What a person or an agent put there stays; a link of ours that leads nowhere any more is removed. Nothing here is
 * worth a turn: what cannot be written is left as it is.
 * @param home HOME of the agent's user
 * @param source the skills, a directory each
 */
export async function linkSkills(home: string, source: string = SKILLS_DIRECTORY): Promise<void> {
  const skills = await directoriesIn(source);
  if (skills === undefined) return;
  await Promise.all(
    SESSION_DIRECTORIES.map((agent) => linkInto(join(home, agent, 'skills'), skills, source)),
  );
}

async function linkInto(place: string, skills: readonly string[], source: string): Promise<void> {
  try {
    await mkdir(place, { recursive: true });
    const present = await readdir(place, { withFileTypes: true });
    const links = present.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
    await Promise.all(
      links.map(async (name) => {
        if (!skills.includes(name) && (await readlink(join(place, name))) === join(source, name))
          await unlink(join(place, name));
      }),
    );
    const taken = new Set(present.map(({ name }) => name));
    const missing = skills.filter((name) => !taken.has(name));
    await Promise.all(missing.map((name) => symlink(join(source, name), join(place, name))));
  } catch (error) {
    process.stderr.write(`skills are not linked into ${place}: ${(error as Error).message}\n`);
  }
}

/** @returns undefined where there are no skills to link */
async function directoriesIn(source: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(source, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      process.stderr.write(`skills cannot be read: ${(error as Error).message}\n`);
    return undefined;
  }
}
