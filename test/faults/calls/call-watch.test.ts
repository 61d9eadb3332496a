import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CallWatch, type Strike } from './call-watch.ts';

/** What a child does below its root, in the main thread, in libuv's threads, in a worker and in SQLite; its last word tells how it went. */
const CHILD = `
  import { appendFileSync, copyFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
  import { open, unlink, writeFile } from 'node:fs/promises';
  import { Worker } from 'node:worker_threads';
  import { once } from 'node:events';
  import Database from ${JSON.stringify(fileURLToPath(new URL('../../../node_modules/better-sqlite3/lib/index.js', import.meta.url)))};
  writeFileSync('a', 'four');
  renameSync('a', 'b');
  copyFileSync('b', 'c');
  await unlink('b');
  await once(new Worker("import('node:fs').then((fs) => fs.writeFileSync('w', 'worker'))", { eval: true }), 'exit');
  const file = await open('d', 'w');
  await file.writeFile('data');
  await file.datasync();
  await file.sync();
  await file.close();
  writeFileSync('logs/left-out', 'x');
  writeFileSync('../outside', 'x');
  process.stdout.write('no file');
  const database = new Database('x.db');
  database.pragma('journal_mode = DELETE');
  database.exec('CREATE TABLE t (a)');
`;

/** Tries again and again to change something; its exit code is how often the disk refused it. */
const STUBBORN_CHILD = `
  import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
  writeFileSync('a', 'four');
  const tries = [
    () => renameSync('a', 'b'),
    () => writeFileSync('n', 'new'),
    () => writeFileSync('a', 'again'),
    () => mkdirSync('m'),
    () => rmSync('a'),
    () => writeFileSync('logs/left-out', 'x'),
    () => readdirSync('.'),
  ];
  process.exit(tries.filter((change) => {
    try {
      change();
    } catch ({ code }) {
      return code === process.argv[1];
    }
  }).length);
`;

const BEFORE_SQLITE = [
  'write a, 4 bytes',
  'rename a -> b',
  'sendfile c, 4 bytes',
  'unlink b',
  'write w, 6 bytes',
  'write d, 4 bytes',
  'fdatasync d',
  'fsync d',
];

describe.runIf(process.platform === 'linux')('the watch over system calls', () => {
  let directory: string;
  let root: string;
  let watch: CallWatch;

  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'nanoclaw-calls-')));
    root = join(directory, 'root');
    await mkdir(root);
    watch = await CallWatch.build(directory, root);
  });

  afterAll(() => rm(directory, { recursive: true, force: true }));

  async function runChild(
    strike: Strike,
    nth: number,
    script = CHILD,
    ...words: readonly string[]
  ): Promise<NodeJS.Signals | number | null> {
    await rm(root, { recursive: true });
    await mkdir(join(root, 'logs'), { recursive: true });
    watch.order(strike, nth);
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...words], {
      cwd: root,
      env: { PATH: process.env.PATH, ...watch.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    watch.stop();
    return signal ?? code;
  }

  it('names the calls of all threads in their order, and kills at each', async () => {
    const hits: unknown[] = [];
    for (let nth = 1; nth <= BEFORE_SQLITE.length; nth += 1) {
      expect(await runChild('kill', nth)).toBe('SIGKILL');
      hits.push(watch.count().hit);
    }
    expect(hits).toEqual(BEFORE_SQLITE);
  });

  it('counts SQLite’s calls too, and neither those of logs/ nor those outside the root', async () => {
    expect(await runChild('kill', 9_999)).toBe(0);
    const { calls, hit } = watch.count();
    expect(hit).toBeUndefined();
    // The journal's header, the two pages, their syncs and the journal's end.
    expect(calls).toBeGreaterThan(BEFORE_SQLITE.length + 5);
    expect(await runChild('kill', BEFORE_SQLITE.length + 1)).toBe('SIGKILL');
    expect(watch.count().hit).toMatch(/^pwrite x\.db(-journal)?, \d+ bytes$/);
  });

  it('kills before the call, or in the middle of a write', async () => {
    await runChild('kill', 4);
    expect(existsSync(join(root, 'b'))).toBe(true);
    await runChild('tear', 1);
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('fo');
  });

  it('fails one write for want of space, or all later ones', async () => {
    expect(await runChild('no-space', 2)).toBe(1);
    expect(watch.count().hit).toBe('sendfile c, 4 bytes');
    expect(await readFile(join(root, 'b'), 'utf8')).toBe('four');
    expect(await runChild('full', 5)).toBe(1);
    expect(watch.count().hit).toMatch(/^pwrite x\.db/);
  });

  it.each([
    ['read-only', 'EROFS'],
    ['broken', 'EIO'],
  ] as const)(
    'makes the disk %s, so that nothing is changed, created or deleted from then on',
    async (strike, code) => {
      expect(await runChild(strike, 2, STUBBORN_CHILD, code)).toBe(5);
      expect(watch.count().hit).toBe('rename a -> b');
      expect(await readFile(join(root, 'a'), 'utf8')).toBe('four');
      expect(existsSync(join(root, 'n'))).toBe(false);
      expect(existsSync(join(root, 'm'))).toBe(false);
    },
  );
});
