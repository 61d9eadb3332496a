import { lstat } from 'node:fs/promises';
import { codeOf } from './machine-trouble.ts';

/** Whether there is something under that name, a link that leads nowhere too. @throws the system's errors */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
