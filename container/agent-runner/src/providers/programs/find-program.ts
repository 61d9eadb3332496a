import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { TurnFailure } from '../../failure.ts';

/** Where the image keeps the agents' programs, should PATH not name them. */
const INSTALLED = '/app/node_modules/.bin';

/**
 * The file that a command means.
 * @param path the value of PATH
 * @throws TurnFailure when there is none
 */
export async function findProgram(name: string, path: string | undefined): Promise<string> {
  const directories = (path ?? '').split(delimiter).filter((directory) => directory !== '');
  for (const directory of [...directories, INSTALLED]) {
    const file = join(directory, name);
    if (await isExecutable(file)) return file;
  }
  throw new TurnFailure(
    `The program "${name}" is not installed in the sandbox: rebuild the image with this agent (AGENT_PROVIDERS, container/build.sh)`,
  );
}

/** Whether this process may run the file. */
export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
