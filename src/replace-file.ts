import { randomUUID } from 'node:crypto';
import { constants, open, rename, rm } from 'node:fs/promises';
import { withCleanUp } from './clean-up.ts';

/**
 * Writes a file by temporary file and rename: a reader sees the old or the new one, never a part.
 * A link at `path` is replaced, never followed.
 * @param mode permissions of the new file
 */
export async function replaceFile(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  try {
    const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    await withCleanUp(
      async () => {
        await file.writeFile(content);
        await file.chmod(mode);
      },
      () => file.close(),
    );
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
