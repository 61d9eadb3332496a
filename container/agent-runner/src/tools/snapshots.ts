import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { wellFormed } from '../../../../src/protocol/graphemes.ts';
import { GroupsSnapshot, TaskSnapshot } from '../../../../src/protocol/host-files.ts';
import type { Layout } from '../../../../src/protocol/layout.ts';

async function readSnapshot<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8'), wellFormed));
  } catch (error) {
    process.stderr.write(`${path} cannot be read: ${(error as Error).message}\n`);
    return undefined;
  }
}

/** The tasks that this group may see; undefined when the host wrote no readable list. */
export function readTasks(layout: Layout): Promise<TaskSnapshot[] | undefined> {
  return readSnapshot(layout.currentTasks, z.array(TaskSnapshot));
}

/** The chats that could be activated, for the main channel; undefined when the host wrote no readable list. */
export async function readGroups(layout: Layout): Promise<GroupsSnapshot['groups'] | undefined> {
  return (await readSnapshot(layout.availableGroups, GroupsSnapshot))?.groups;
}
