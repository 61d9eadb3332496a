import { chmod, lstat, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import {
  makeDoorDirectory,
  makeSocketDirectory,
  SocketDirectoryError,
  SocketPathError,
} from './socket-directory.ts';

const hostUid = process.getuid?.() ?? 0;
const isRoot = hostUid === 0;
const base = { installId: '0a1b2c3d', owner: undefined, hostUid, runtimeDirectory: undefined };
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('the directory for sockets', () => {
  it('is the user’s own and nobody else’s, and can be created again', async () => {
    const runtimeDirectory = temporaryDirectory();
    const options = { ...base, runtimeDirectory };
    const directory = await makeSocketDirectory(options);
    expect(directory).toBe(join(runtimeDirectory, 'nanoclaw-0a1b2c3d', 'keys'));
    expect(await makeSocketDirectory(options)).toBe(directory);
    expect([await modeOf(directory), await modeOf(join(directory, '..'))]).toEqual([0o700, 0o700]);
  });

  it('is below /tmp where there is no runtime directory, with the user in its name', async () => {
    const tmp = temporaryDirectory();
    expect(await makeSocketDirectory({ ...base, temporaryDirectory: tmp })).toBe(
      join(tmp, `nanoclaw-0a1b2c3d-${hostUid}`, 'keys'),
    );
  });

  it('is narrowed when its mode is too wide', async () => {
    const tmp = temporaryDirectory();
    const outer = join(tmp, `nanoclaw-0a1b2c3d-${hostUid}`);
    await mkdir(outer);
    await chmod(outer, 0o777);
    await makeSocketDirectory({ ...base, temporaryDirectory: tmp });
    expect(await modeOf(outer)).toBe(0o700);
  });

  it.each([
    ['a link', (path: string) => symlink('/tmp', path)],
    ['a file', (path: string) => writeFile(path, '')],
  ])('is refused where %s is in its place', async (what, plant) => {
    const tmp = temporaryDirectory();
    await plant(join(tmp, `nanoclaw-0a1b2c3d-${hostUid}`));
    const making = makeSocketDirectory({ ...base, temporaryDirectory: tmp });
    await expect(making).rejects.toThrow(SocketDirectoryError);
    await expect(making).rejects.toThrow(what);
  });

  it('is refused when it belongs to another user', async () => {
    const tmp = temporaryDirectory();
    const otherUid = hostUid + 1;
    await mkdir(join(tmp, `nanoclaw-0a1b2c3d-${otherUid}`));
    const making = makeSocketDirectory({ ...base, hostUid: otherUid, temporaryDirectory: tmp });
    await expect(making).rejects.toThrow(`owned by uid ${hostUid}`);
  });

  it('is refused when Node would cut off its path', async () => {
    const runtimeDirectory = join(temporaryDirectory(), 'x'.repeat(90));
    await mkdir(runtimeDirectory);
    const making = makeSocketDirectory({ ...base, runtimeDirectory });
    await expect(making).rejects.toThrow(SocketPathError);
    await expect(making).rejects.toThrow(/XDG_RUNTIME_DIR/);
  });

  it('can be entered by the group of a sandbox’s other user and written by the host alone', async () => {
    const tmp = temporaryDirectory();
    // Whoever runs this may give things to a group of their own only.
    const gid = isRoot ? 1000 : (process.getgid?.() ?? 0);
    const owner = { uid: 1000, gid };
    const runtimeDirectory = temporaryDirectory();
    const directory = await makeSocketDirectory({
      ...base,
      owner,
      runtimeDirectory,
      temporaryDirectory: tmp,
    });
    expect(directory.startsWith(tmp)).toBe(true);
    for (const [path, mode] of [
      [await makeDoorDirectory(directory, '1', owner), 0o750],
      [directory, 0o710],
      [join(directory, '..'), 0o710],
    ] as const) {
      const found = await lstat(path);
      expect([found.mode & 0o777, found.uid, found.gid]).toEqual([mode, hostUid, gid]);
    }
  });
});
