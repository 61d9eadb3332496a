import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { pathsAt } from '../paths.ts';
import { prepareProjectView } from './project-view.ts';

describe('main’s view of the project', () => {
  it('holds copies of the text files and the allowed directories, nothing else', async () => {
    const packageRoot = temporaryDirectory();
    const paths = pathsAt(temporaryDirectory());
    for (const name of ['src', 'docs', 'store', 'data', '.git', 'node_modules'])
      await mkdir(join(packageRoot, name));
    for (const name of [
      'README.md',
      'package.json',
      '.env',
      '.env.example',
      'LICENSE',
      'creds.json',
      'big.md',
    ]) {
      await writeFile(join(packageRoot, name), name === 'big.md' ? 'x'.repeat(2 ** 20 + 1) : 'x');
    }
    await symlink(join(packageRoot, '.env'), join(packageRoot, 'link.md'));
    await mkdir(paths.groups);
    const mounts = await prepareProjectView(paths, packageRoot, '/workspace/project');
    expect((await readdir(paths.projectView)).sort()).toEqual([
      '.env.example',
      'LICENSE',
      'README.md',
      'docs',
      'groups',
      'package.json',
      'src',
    ]);
    expect(mounts).toEqual([
      { hostPath: paths.projectView, containerPath: '/workspace/project', readonly: true },
      { hostPath: join(packageRoot, 'src'), containerPath: '/workspace/project/src', readonly: true },
      { hostPath: join(packageRoot, 'docs'), containerPath: '/workspace/project/docs', readonly: true },
      { hostPath: paths.groups, containerPath: '/workspace/project/groups', readonly: true },
    ]);
    await writeFile(join(packageRoot, 'CHANGELOG.md'), 'x');
    await prepareProjectView(paths, packageRoot, '/workspace/project');
    expect(await readdir(paths.projectView)).toContain('CHANGELOG.md');
  });
});
