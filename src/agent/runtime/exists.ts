import { access, constants } from 'node:fs/promises';

/** Whether there is something at a path that this process can get to. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path, constants.F_OK);
    return true;
  } catch {
    // Whatever hides it, it cannot be shown to a sandbox.
    return false;
  }
}
