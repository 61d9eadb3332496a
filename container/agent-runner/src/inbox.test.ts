import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { Inbox } from './inbox.ts';

const file = (text: string) => JSON.stringify({ type: 'message', text });

async function all(inbox: Inbox): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of inbox.rest()) texts.push(text);
  return texts;
}

describe('the inbox', () => {
  it('hands follow-ups out in order, removes each file, and skips invalid ones', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, '2.json'), file('two'));
    await writeFile(join(directory, '1.json'), file('one'));
    await writeFile(join(directory, '3.json'), '{"type":"mess');
    await writeFile(join(directory, '.4.json'), file('half written'));
    await mkdir(join(directory, '5.json'));
    expect(await all(new Inbox(directory, 0))).toEqual(['one', 'two']);
    expect((await readdir(directory)).sort()).toEqual(['.4.json', '3.json', '5.json']);
  });

  it('unlinks a file when it hands its text out, not before', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, '1.json'), file('one'));
    await writeFile(join(directory, '2.json'), file('two'));
    const followUps = new Inbox(directory, 0).rest();
    expect((await followUps.next()).value).toBe('one');
    expect(await readdir(directory)).toEqual(['2.json']);
  });

  it('is empty where there is no directory', async () => {
    expect(await all(new Inbox(join(temporaryDirectory(), 'none'), 0))).toEqual([]);
  });

  it('waits for more when it has time, until it is closed', async () => {
    const directory = temporaryDirectory();
    await writeFile(join(directory, '1.json'), file('one'));
    const texts: string[] = [];
    for await (const text of new Inbox(directory, 60_000).rest()) {
      texts.push(text);
      if (text === 'one') await writeFile(join(directory, '2.json'), file('two'));
      else await writeFile(join(directory, '_close'), '');
    }
    expect(texts).toEqual(['one', 'two']);
    expect(await readdir(directory)).toEqual([]);
  });
});
