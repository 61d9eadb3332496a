import { chmod, link, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { pathsAt } from '../paths.ts';
import { ensureDirectory, NotADirectoryError, prepareDirectories } from './directories.ts';

const GROUP = { groupFolder: 'family', isMain: false };
/** Only root can give files away; anybody else hands them to himself. */
const owner =
  process.getuid?.() === 0
    ? { uid: 1000, gid: 1000 }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const uidOf = async (path: string) => (await lstat(path)).uid;

describe('the directories of a group', () => {
  it('are created, and those that the agent may write to belong to its user', async () => {
    const paths = pathsAt(temporaryDirectory());
    await prepareDirectories(paths, GROUP, owner, silentLog);
    const host = process.getuid?.() ?? 0;
    for (const name of ['messages', 'tasks', 'input', 'files']) {
      expect(await uidOf(join(paths.groupIpc('family'), name))).toBe(owner.uid);
    }
    for (const name of ['.claude', '.codex', '.kimi']) {
      expect(await uidOf(join(paths.groupSessions('family'), name))).toBe(owner.uid);
    }
    expect(await uidOf(paths.group('family'))).toBe(owner.uid);
    for (const path of [
      paths.groupLogs('family'),
      paths.groupIpc('family'),
      paths.groupAttachments('family'),
      paths.globalGroup,
    ]) {
      expect(await uidOf(path)).toBe(host);
    }
  });

  it('get the sandbox’s user as the owner of their content, except links and files with a second name', async () => {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    const group = paths.group('family');
    await mkdir(join(group, 'notes'), { recursive: true });
    await writeFile(join(group, 'notes', 'a.md'), '');
    await writeFile(join(root, 'outside'), '');
    await symlink(join(root, 'outside'), join(group, 'link'));
    await link(join(root, 'outside'), join(group, 'second-name'));
    await mkdir(Buffer.concat([Buffer.from(`${group}/`), Buffer.from([0xff])]));
    await prepareDirectories(paths, GROUP, owner, silentLog);
    expect(await uidOf(join(group, 'notes', 'a.md'))).toBe(owner.uid);
    expect(await uidOf(join(group, 'link'))).toBe(owner.uid);
    expect(await readlink(join(group, 'link'))).toBe(join(root, 'outside'));
    expect(await uidOf(join(root, 'outside'))).toBe(process.getuid?.());
  });

  it('the main channel’s directories include the memory that all groups share', async () => {
    const paths = pathsAt(temporaryDirectory());
    await prepareDirectories(paths, { groupFolder: 'main', isMain: true }, owner, silentLog);
    expect(await uidOf(paths.globalGroup)).toBe(owner.uid);
  });

  it.each(['logs', 'messages'])('are refused when %s is a link, which is not followed', async (name) => {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    const place = name === 'logs' ? paths.groupLogs('family') : join(paths.groupIpc('family'), name);
    await mkdir(join(place, '..'), { recursive: true });
    await symlink(root, place);
    await expect(prepareDirectories(paths, GROUP, owner, silentLog)).rejects.toThrow(NotADirectoryError);
    expect(await uidOf(root)).toBe(process.getuid?.());
  });

  it('are refused when a file or a dangling link stands there', async () => {
    const root = temporaryDirectory();
    await writeFile(join(root, 'file'), '');
    await symlink(join(root, 'nowhere'), join(root, 'dangling'));
    await expect(ensureDirectory(join(root, 'file'))).rejects.toThrow(/is a file\. Move it away: mv /);
    await expect(ensureDirectory(join(root, 'dangling'))).rejects.toThrow(/is a link/);
    await chmod(join(root, 'file'), 0o600);
  });
});
