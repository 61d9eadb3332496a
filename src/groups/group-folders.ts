import { chmod, lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import type { Paths } from '../paths.ts';
import { SESSION_DIRECTORIES, WRITABLE_IPC_DIRECTORIES } from '../protocol/layout.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import { checkFolderName } from './folder-name.ts';

/** Something that is no directory stands where a group's directory must be. */
export class GroupFolderError extends Error {
  override readonly name = 'GroupFolderError';
}

/** Makes a directory, or makes sure that it is a real one: a link that was planted there is refused, never followed. */
async function ensureDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  const found = await lstat(path);
  if (!found.isDirectory()) {
    throw new GroupFolderError(
      `${path} is not a directory but ${found.isSymbolicLink() ? 'a link' : 'a file'}. Move it away: mv ${path} ${path}.old`,
    );
  }
}

const memoryTemplate = (name: string): string => `# ${name}

What the assistant should remember in this chat. The assistant reads this file at every turn and may write to it.
`;

/**
 * Makes the directories of a group and, if there is none, its memory. Existing files are left as they are.
 * Only to be called while no sandbox of the group runs.
 * @throws FolderNameError, GroupFolderError
 */
export async function scaffoldGroup(paths: Paths, folder: string, name: string): Promise<void> {
  checkFolderName(folder);
  const ipc = paths.groupIpc(folder);
  const directories = [
    paths.group(folder),
    paths.groupLogs(folder),
    ipc,
    ...WRITABLE_IPC_DIRECTORIES.map((directory) => join(ipc, directory)),
    join(ipc, 'results'),
    paths.groupSessions(folder),
    ...SESSION_DIRECTORIES.map((directory) => join(paths.groupSessions(folder), directory)),
    paths.groupAttachments(folder),
  ];
  for (const directory of directories) await ensureDirectory(directory);
  await chmod(ipc, 0o755);
  const memory = join(paths.group(folder), 'CLAUDE.md');
  try {
    await writeFile(memory, memoryTemplate(name), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes the directories of groups when they are registered and before each of their turns. */
export class GroupFolders {
  readonly #paths: Paths;
  readonly #log: Log;
  readonly #made = new Set<string>();

  constructor(paths: Paths, log: Log) {
    this.#paths = paths;
    this.#log = log;
  }

  /** @throws FolderNameError, GroupFolderError */
  async make(group: Pick<RegisteredGroup, 'folder' | 'name'>): Promise<void> {
    await scaffoldGroup(this.#paths, group.folder, group.name);
    this.#made.add(group.folder);
  }

  /** Those that were not made by this process yet. One that cannot be made is logged and holds up no other. */
  async makeNew(groups: readonly Pick<RegisteredGroup, 'folder' | 'name'>[]): Promise<void> {
    for (const group of groups) {
      if (this.#made.has(group.folder)) continue;
      try {
        await this.make(group);
      } catch (error) {
        this.#log.error({ err: error, group: group.folder }, 'The folders of a group cannot be made');
      }
    }
  }
}
