import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { type Layout, layoutAt } from '../../../../src/protocol/layout.ts';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { codexInstructions } from './codex/instructions.ts';
import { kimiBriefing } from './kimi/briefing.ts';
import { readMemory } from './memory.ts';

function workspace(): Layout {
  const layout = layoutAt(temporaryDirectory(), '/home/node');
  for (const directory of [layout.group, layout.global]) mkdirSync(directory);
  return layout;
}

describe('the memory', () => {
  it('is the group’s and that of all groups, as they are now', async () => {
    const layout = workspace();
    writeFileSync(join(layout.group, 'CLAUDE.md'), 'likes tea');
    writeFileSync(join(layout.global, 'CLAUDE.md'), 'speaks German');
    expect(await readMemory(layout)).toEqual({ group: 'likes tea', global: 'speaks German' });
    writeFileSync(join(layout.group, 'CLAUDE.md'), 'likes coffee');
    expect((await readMemory(layout)).group).toBe('likes coffee');
  });

  it('is empty where there is none, or only blanks', async () => {
    const layout = workspace();
    writeFileSync(join(layout.group, 'CLAUDE.md'), ' \n');
    expect(await readMemory(layout)).toEqual({ group: undefined, global: undefined });
    expect(await readMemory(layoutAt(join(layout.root, 'none')))).toEqual({
      group: undefined,
      global: undefined,
    });
  });

  it('is cut at 64 KiB, between characters, and says so', async () => {
    const layout = workspace();
    writeFileSync(join(layout.group, 'CLAUDE.md'), `a${'€'.repeat(30_000)}`);
    const { group = '' } = await readMemory(layout);
    expect(group).toMatch(/^a€+\n\[… \d+ more bytes: shorten this file\]$/);
    expect(Buffer.byteLength(group)).toBeLessThan(64 * 1024 + 100);
  });

  it('follows no link, and waits for no pipe', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const layout = workspace();
    symlinkSync('/etc/passwd', join(layout.group, 'CLAUDE.md'));
    await promisify(execFile)('mkfifo', [join(layout.global, 'CLAUDE.md')]);
    expect(await readMemory(layout)).toEqual({ group: undefined, global: undefined });
    expect(stderr.mock.calls.flat().join('')).toMatch(/group\/CLAUDE\.md is left out: ELOOP/);
    stderr.mockRestore();
  });

  it('is joined by what a person keeps in MEMORY.md, named by its path, unless CLAUDE.md holds it', async () => {
    const layout = workspace();
    writeFileSync(join(layout.group, 'MEMORY.md'), '\ufefflikes tea\n');
    writeFileSync(join(layout.global, 'MEMORY.md'), 'speaks German\n');
    const both = await readMemory(layout);
    expect(both.earlier).toContain(`this chat (${layout.group}/MEMORY.md)\n\nlikes tea`);
    expect(both.earlier).toContain(`all chats (${layout.global}/MEMORY.md)\n\nspeaks German`);
    writeFileSync(join(layout.group, 'CLAUDE.md'), '# Family\n\nlikes tea\n');
    expect((await readMemory(layout)).earlier).not.toContain('likes tea');
    const input = { prompt: '', groupFolder: 'family', chatJid: 'x@g.us', isMain: false };
    for (const told of [codexInstructions, kimiBriefing])
      expect(told({ input, layout }, both)).toContain(`(${layout.group}/MEMORY.md)\n\nlikes tea`);
  });
});
