import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { notInstalled } from './not-installed.ts';

/** Where the image keeps the agents' programs, should PATH not name them. */
const INSTALLED = '/app/node_modules/.bin';

/**
 * The file that a command means.
 * @param path the value of PATH
 * @throws TurnFailure (not_installed) when there is none
 */
export async function findProgram(name: string, path: string | undefined): Promise<string> {
  const directories = (path ?? '').split(delimiter).filter((directory) => directory !== '');
  for (const directory of [...directories, INSTALLED]) {
    const file = join(directory, name);
    if (await isExecutable(file)) return file;
  }
  throw notInstalled(`The program "${name}" is not installed in the sandbox`);
}

/** Whether this process may run the file. */
export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
