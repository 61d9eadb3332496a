import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../test/support/sandbox.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { sourceHash } from './image-source.ts';

const SCRIPT = join(PACKAGE_ROOT, 'container', 'lib', 'source-hash.sh');

let root: string;

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

async function byScript(): Promise<string> {
  return (await promisify(execFile)(SCRIPT, [root])).stdout.trim();
}

beforeEach(async () => {
  root = temporaryDirectory();
  await write('container/Dockerfile', 'FROM x');
  await write('container/Zoë and Bob', '');
  await write('container/a.sh', '#!/bin/sh');
  await write('container/agent-runner/src/main.ts', 'main();');
  await write('src/protocol/turn.ts', 'export {};');
});

describe('the hash of the image’s sources', () => {
  it('is the same as the one that build.sh computes', async () => {
    const hash = await sourceHash(root);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(await byScript()).toBe(hash);
  });

  it('is the same for this project’s own files in the host and in build.sh', async () => {
    for (const directory of [
      'container/lib',
      'container/skills',
      'container/agent-runner/src',
      'src/protocol',
    ])
      await cp(join(PACKAGE_ROOT, directory), join(root, directory), { recursive: true });
    expect(await byScript()).toBe(await sourceHash(root));
  });

  it.each(['container/a.sh', 'src/protocol/turn.ts', 'container/Zoë and Bob'])(
    'changes with %s',
    async (path) => {
      const before = await sourceHash(root);
      await appendFile(join(root, path), '\n');
      const after = await sourceHash(root);
      expect(after).not.toBe(before);
      expect(await byScript()).toBe(after);
    },
  );

  it('changes with a new file and with a renamed file', async () => {
    const hashes = [await sourceHash(root)];
    await write('container/skills/new/SKILL.md', 'x');
    hashes.push(await sourceHash(root));
    await write('container/skills/newer/SKILL.md', 'x');
    hashes.push(await sourceHash(root));
    expect(new Set(hashes).size).toBe(3);
    expect(await byScript()).toBe(hashes[2]);
  });

  it('ignores tests, build outputs, installed packages, links and names that start with a dot', async () => {
    const before = await sourceHash(root);
    await write('container/build.test.ts', 'x');
    await write('container/agent-runner/dist/runner.mjs', 'x');
    await write('container/agent-runner/node_modules/p/index.js', 'x');
    await write('container/.DS_Store', 'x');
    await write('container/.idea/x', 'x');
    await write('src/store/store.ts', 'x');
    await symlink('a.sh', join(root, 'container', 'link.sh'));
    expect(await sourceHash(root)).toBe(before);
    expect(await byScript()).toBe(before);
  });
});
