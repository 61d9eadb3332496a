import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { removeContents } from './remove-tree.ts';

/** Several of the pieces in which a directory is read. */
const FILES = 500;

it('removing a tree removes all names in it and leaves the targets of its links', async () => {
  const directory = temporaryDirectory();
  const kept = join(temporaryDirectory(), 'kept');
  await writeFile(kept, 'kept');
  await mkdir(join(directory, 'a', 'b'), { recursive: true });
  await symlink(join(kept, '..'), join(directory, 'a', 'link'));
  await symlink(kept, join(directory, 'a', 'b', 'link'));
  await writeFile(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe])]), '');
  await removeContents(directory);
  expect(await readdir(directory)).toEqual([]);
  expect(await readFile(kept, 'utf8')).toBe('kept');
});

it('removing many files does not block the event loop', async () => {
  const directory = temporaryDirectory();
  await Promise.all(Array.from({ length: FILES }, (_, name) => writeFile(join(directory, `${name}`), '')));
  let turns = 0;
  let isDone = false;
  const removing = removeContents(directory).then(() => {
    isDone = true;
  });
  for (; !isDone; turns += 1) await setImmediate();
  await removing;
  // One turn of the loop for each file at least: none waits behind many.
  expect(turns).toBeGreaterThan(FILES);
  expect(await readdir(directory)).toEqual([]);
});
