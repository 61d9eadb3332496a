import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { MountAllowlist } from './mount-allowlist.ts';

let home: string;
let file: string;
let remembered: ReturnType<typeof rememberingLog>;

beforeEach(async () => {
  home = temporaryDirectory();
  file = join(home, 'mount-allowlist.json');
  remembered = rememberingLog();
  for (const name of ['projects/app', 'projects/.ssh', 'projects/my-credentials', 'private', 'state/store']) {
    await mkdir(join(home, name), { recursive: true });
  }
});

async function allow(content: object | string): Promise<void> {
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
}

const PROJECTS = { allowedRoots: [{ path: '~/projects', allowReadWrite: true, description: 'mine' }] };

function permit(mount: { hostPath: string; containerPath?: string; readonly?: boolean }, isMain = true) {
  const allowlist = new MountAllowlist({
    file,
    home,
    log: remembered.log,
    extraRoot: '/workspace/extra',
    protectedPaths: [join(home, 'state', 'store'), join(home, 'state', 'data')],
  });
  return allowlist.permit([mount], isMain);
}

const said = () => remembered.lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('Mount'));
const reasons = () => JSON.stringify(remembered.lines);

describe('the mount allowlist', () => {
  it('lets a directory below an allowed root through, read-only unless asked', async () => {
    await allow(PROJECTS);
    const hostPath = join(home, 'projects', 'app');
    expect(await permit({ hostPath })).toEqual([
      { hostPath, containerPath: '/workspace/extra/app', readonly: true },
    ]);
    expect(await permit({ hostPath: '~/projects/app', containerPath: 'code', readonly: false })).toEqual([
      { hostPath, containerPath: '/workspace/extra/code', readonly: false },
    ]);
    expect(said()).toEqual(['Mount validated', 'Mount validated']);
  });

  it('keeps groups other than main read-only, unless it allows them to write', async () => {
    const mount = { hostPath: '~/projects/app', readonly: false };
    await allow(PROJECTS);
    expect(await permit(mount, false)).toMatchObject([{ readonly: true }]);
    await allow({ ...PROJECTS, nonMainReadOnly: false });
    expect(await permit(mount, false)).toMatchObject([{ readonly: false }]);
  });

  it('denies writing below a root that does not allow it; the nearest root decides', async () => {
    const roots = [{ path: '~', allowReadWrite: true }, { path: '~/projects' }];
    await allow({ allowedRoots: roots });
    expect(await permit({ hostPath: '~/projects/app', readonly: false })).toMatchObject([{ readonly: true }]);
    expect(await permit({ hostPath: '~/private', readonly: false })).toMatchObject([{ readonly: false }]);
  });

  it('is read from a file with a byte order mark', async () => {
    await allow(`\uFEFF${JSON.stringify(PROJECTS)}`);
    expect(await permit({ hostPath: '~/projects/app' })).toHaveLength(1);
  });

  it.each([
    ['missing', undefined, /there is no .*mount-allowlist\.json/],
    ['no JSON', '{"allowedRoots":', /cannot be read/],
    ['UTF-16', Buffer.from('{"allowedRoots": []}', 'utf16le').toString('latin1'), /UTF-16.*iconv/],
    ['of another form', { allowedRoots: '~' }, /is not an allowlist/],
  ])('is closed when its file is %s', async (_, content, reason) => {
    if (content !== undefined) await allow(content);
    expect(await permit({ hostPath: '~/projects/app' })).toEqual([]);
    expect(said()).toEqual(['Mount REJECTED']);
    expect(reasons()).toMatch(reason);
  });

  it.each([
    ['outside every root', '~/private', /below no allowed root/],
    ['a sibling that only begins like a root', '~/projects-other', /no such directory|below no allowed root/],
    ['a path with ..', '~/projects/../private', /below no allowed root/],
    ['a blocked name', '~/projects/.ssh', /blocked pattern/],
    ['a name that contains a blocked one', '~/projects/my-credentials', /blocked pattern/],
    ['what is not there', '~/projects/none', /no such directory/],
    ['a relative path', 'projects/app', /no such directory/],
  ])('refuses %s', async (_, hostPath, reason) => {
    await allow(PROJECTS);
    expect(await permit({ hostPath, containerPath: 'x' })).toEqual([]);
    expect(said()).toEqual(['Mount REJECTED']);
    expect(reasons()).toMatch(reason);
  });

  it('resolves links before it decides', async () => {
    await allow(PROJECTS);
    await symlink(join(home, 'private'), join(home, 'projects', 'way-out'));
    expect(await permit({ hostPath: '~/projects/way-out' })).toEqual([]);
  });

  it('refuses a file, and paths that match patterns of its own', async () => {
    await allow({ ...PROJECTS, blockedPatterns: ['app'] });
    await writeFile(join(home, 'projects', 'file'), '');
    expect(await permit({ hostPath: '~/projects/file' })).toEqual([]);
    expect(await permit({ hostPath: '~/projects/app' })).toEqual([]);
  });

  it('never allows the host’s own state, neither a path inside it nor one above it', async () => {
    await allow({ allowedRoots: [{ path: '~' }] });
    expect(await permit({ hostPath: '~/state/store' })).toEqual([]);
    expect(await permit({ hostPath: '~/state' })).toEqual([]);
    expect(await permit({ hostPath: '~' })).toEqual([]);
    expect(reasons()).toMatch(/belongs to the host/);
  });

  it('decides for a list without a word in the log', async () => {
    await allow(PROJECTS);
    const allowlist = new MountAllowlist({
      ...{ file, home, log: remembered.log, extraRoot: '/workspace/extra', protectedPaths: [] },
    });
    const app = { hostPath: '~/projects/app' };
    expect(await allowlist.decide([app, { hostPath: '~/private' }, app], true)).toEqual([
      expect.objectContaining({ containerPath: '/workspace/extra/app' }),
      expect.stringMatching(/below no allowed root/),
      'extra/app is there already',
    ]);
    expect(said()).toEqual([]);
  });

  it.each(['../group', '/etc', 'a/b', '', '.', '.hidden'])(
    'refuses the container path %j',
    async (containerPath) => {
      await allow(PROJECTS);
      expect(await permit({ hostPath: '~/projects/app', containerPath })).toEqual([]);
    },
  );
});
