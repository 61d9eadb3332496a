import { mkdir } from 'node:fs/promises';
import type { Layout } from '../../../src/protocol/layout.ts';
import { linkSkills } from './skills.ts';

/**
 * Creates what is missing of the workspace, where it may: a bare `docker run` mounts folders that nobody prepared,
 * sometimes owned by root, and a turn is answered all the same. The assistant's skills are shown to the agents.
 * @returns the directories that could not be created
 */
export async function prepareWorkspace(layout: Layout): Promise<string[]> {
  await linkSkills(layout.home);
  const missing: string[] = [];
  for (const directory of [layout.group, layout.messages, layout.tasks, layout.input, layout.files]) {
    try {
      await mkdir(directory, { recursive: true });
    } catch (error) {
      missing.push(directory);
      process.stderr.write(`cannot create ${directory}: ${(error as Error).message}\n`);
    }
  }
  return missing;
}
