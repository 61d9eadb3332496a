import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { deadlineMs } from './deadline.ts';
import { installId, sandboxName } from './install.ts';

describe('an install', () => {
  it('is identified by the real path of its root', async () => {
    const root = temporaryDirectory();
    await mkdir(join(root, 'a'));
    await symlink(join(root, 'a'), join(root, 'link'));
    const id = await installId(join(root, 'a'));
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(await installId(join(root, 'link'))).toBe(id);
    expect(await installId(root)).not.toBe(id);
  });

  it('gives each run’s sandbox a name of its own', () => {
    const name = sandboxName('0a1b2c3d', 'family', '0195c3a1-7a10-7bbb-8ccc-1234567890ab');
    expect(name).toBe('nanoclaw-0a1b2c3d-family-1234567890ab');
  });
});

describe('a deadline', () => {
  it('is the group’s own timeout or the default, but at least the idle timeout and 30 seconds', () => {
    expect(deadlineMs(undefined, 1_800_000, 0, 30_000)).toBe(1_800_000);
    expect(deadlineMs(60_000, 1_800_000, 0, 30_000)).toBe(60_000);
    expect(deadlineMs(1_000, 1_800_000, 0, 30_000)).toBe(30_000);
    expect(deadlineMs(60_000, 1_800_000, 600_000, 30_000)).toBe(630_000);
  });
});
