import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { shorten, WireLog } from './wire-log.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wire-log-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

it('the wire log shortens bytes at any depth and leaves text unchanged', () => {
  const enc = { tag: 'enc', attrs: { v: '2' }, content: Buffer.alloc(100, 0xab) };
  const body = { tag: 'body', attrs: {}, content: 'words' };
  expect(shorten({ tag: 'message', attrs: { id: '1' }, content: [enc, body] })).toEqual({
    tag: 'message',
    attrs: { id: '1' },
    content: [{ tag: 'enc', attrs: { v: '2' }, content: { bytes: 100, start: 'ab'.repeat(16) } }, body],
  });
});

it('the wire log appends a line of JSON for each entry, readable by its owner only', async () => {
  const path = join(directory, 'wire.jsonl');
  for (const fault of ['first', 'second']) {
    const log = await WireLog.open(path);
    log.write({ kind: 'fault', fault });
    await log.close();
    await log.close();
  }
  const lines = (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([{ kind: 'fault', fault: 'first' }, { fault: 'second' }]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it('the wire log writes nothing without a path, and rejects a path that cannot be opened', async () => {
  const log = await WireLog.open();
  log.write({ kind: 'fault', fault: 'unseen' });
  await log.close();
  await expect(WireLog.open(join(directory, 'missing', 'wire.jsonl'))).rejects.toThrow('ENOENT');
});
