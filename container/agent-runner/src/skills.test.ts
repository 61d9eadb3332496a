import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { linkSkills, SKILLS_DIRECTORY } from './skills.ts';

let home: string;
let source: string;

beforeEach(async () => {
  home = temporaryDirectory();
  source = temporaryDirectory();
  for (const name of ['one', 'two']) {
    await mkdir(join(source, name));
    await writeFile(join(source, name, 'SKILL.md'), name);
  }
});

const skillsOf = (agent: string) => join(home, agent, 'skills');

describe('the assistant’s skills', () => {
  it('are where the image puts them', () => {
    expect(SKILLS_DIRECTORY).toBe('/app/skills');
  });

  it('are linked for each of the agents', async () => {
    await linkSkills(home, source);
    for (const agent of ['.claude', '.codex', '.kimi']) {
      expect((await readdir(skillsOf(agent))).sort()).toEqual(['one', 'two']);
      expect(await readFile(join(skillsOf(agent), 'two', 'SKILL.md'), 'utf8')).toBe('two');
    }
  });

  it('are linked once, however often linking runs', async () => {
    await linkSkills(home, source);
    const before = await lstat(join(skillsOf('.claude'), 'one'));
    await linkSkills(home, source);
    expect((await lstat(join(skillsOf('.claude'), 'one'))).ino).toBe(before.ino);
  });

  it('leave out entries that are no directories', async () => {
    await writeFile(join(source, 'README.md'), 'no skill');
    await linkSkills(home, source);
    expect((await readdir(skillsOf('.codex'))).sort()).toEqual(['one', 'two']);
  });

  it('do not replace a skill of the user’s own, be it a directory, a file or a link', async () => {
    await mkdir(join(skillsOf('.claude'), 'one'), { recursive: true });
    await writeFile(join(skillsOf('.claude'), 'one', 'SKILL.md'), 'mine');
    await mkdir(skillsOf('.kimi'), { recursive: true });
    await symlink('/elsewhere', join(skillsOf('.kimi'), 'one'));
    await writeFile(join(skillsOf('.kimi'), 'two'), 'a file');
    await linkSkills(home, source);
    expect(await readFile(join(skillsOf('.claude'), 'one', 'SKILL.md'), 'utf8')).toBe('mine');
    expect(await readlink(join(skillsOf('.kimi'), 'one'))).toBe('/elsewhere');
    expect(await readFile(join(skillsOf('.kimi'), 'two'), 'utf8')).toBe('a file');
  });

  it('lose the links of a skill that is gone, and no other link', async () => {
    await linkSkills(home, source);
    await symlink('/elsewhere/three', join(skillsOf('.claude'), 'three'));
    await symlink(join(source, 'two'), join(skillsOf('.claude'), 'my-name-for-two'));
    await rm(join(source, 'two'), { recursive: true });
    await linkSkills(home, source);
    expect((await readdir(skillsOf('.claude'))).sort()).toEqual(['my-name-for-two', 'one', 'three']);
    expect(await readdir(skillsOf('.codex'))).toEqual(['one']);
  });
});

describe('the linking of skills where it is not possible', () => {
  it('creates nothing when there are no skills', async () => {
    await linkSkills(home, join(source, 'nowhere'));
    expect(await readdir(home)).toEqual([]);
  });

  it('skips an agent with a file in the way, and the other agents have theirs', async () => {
    await mkdir(join(home, '.codex'));
    await writeFile(skillsOf('.codex'), 'in the way');
    await linkSkills(home, source);
    expect(await readFile(skillsOf('.codex'), 'utf8')).toBe('in the way');
    expect((await readdir(skillsOf('.kimi'))).sort()).toEqual(['one', 'two']);
  });

  it('does not stop the turn when the source is no directory', async () => {
    await linkSkills(home, join(source, 'one', 'SKILL.md'));
    expect(await readdir(home)).toEqual([]);
  });

  it('does not stop the turn when HOME cannot be written', async () => {
    await expect(linkSkills('/dev/null', source)).resolves.toBeUndefined();
  });
});
