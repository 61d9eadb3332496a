import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sharedDirectory } from '../../../test/support/sandbox.ts';
import { checkReachable, UnreachableError } from './reachable.ts';

/** A user that is nobody's here. */
const STRANGER = { uid: 54_321, gid: 54_321 };

describe('a path that a sandbox is to be shown', () => {
  it('can be reached when every directory above it may be searched, whatever its own mode is', async () => {
    const root = sharedDirectory();
    await mkdir(join(root, 'a', 'b'), { recursive: true });
    await chmod(join(root, 'a'), 0o711);
    await chmod(join(root, 'a', 'b'), 0o700);
    await expect(checkReachable(join(root, 'a', 'b'), STRANGER)).resolves.toBeUndefined();
  });

  it('cannot be reached below a private directory: the error names it and the fix', async () => {
    const root = sharedDirectory();
    await mkdir(join(root, 'private', 'b'), { recursive: true });
    await chmod(join(root, 'private'), 0o750);
    const checked = checkReachable(join(root, 'private', 'b'), STRANGER);
    await expect(checked).rejects.toThrow(UnreachableError);
    await expect(checked).rejects.toThrow(`chmod o+x ${join(root, 'private')}`);
  });

  it('is checked by the permission bits that apply to the user', async () => {
    const root = sharedDirectory();
    await mkdir(join(root, 'a'), { mode: 0o755 });
    await chmod(root, 0o700);
    const own = { uid: process.getuid?.() ?? 0, gid: 54_321 };
    await expect(checkReachable(join(root, 'a'), own)).resolves.toBeUndefined();
    await chmod(root, 0o077);
    await expect(checkReachable(join(root, 'a'), own)).rejects.toThrow(UnreachableError);
    await chmod(root, 0o755);
  });
});
