import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { counter } from '../../test/support/test-store.ts';
import { wasTaken } from './input-dir.ts';
import { RunInput } from './run-input.ts';

function rig(now = 0, acceptUntil = 100) {
  const directory = temporaryDirectory();
  const clock = { now: () => now };
  const input = new RunInput({ directory, acceptUntil, clock, newId: counter(), log: silentLog });
  return { directory, input };
}

describe('the input of a running sandbox', () => {
  it('gives the agent a follow-up in the form that it reads, whole under its name', async () => {
    const { directory, input } = rig();
    expect(await input.followUp('1.json', 'and this')).toBe(true);
    expect(await readdir(directory)).toEqual(['1.json']);
    expect(JSON.parse(await readFile(join(directory, '1.json'), 'utf8'))).toEqual({
      type: 'message',
      text: 'and this',
    });
  });

  it('gives the agent no half of a character', async () => {
    const { directory, input } = rig();
    await input.followUp('1.json', 'hi \ud83d');
    expect(JSON.parse(await readFile(join(directory, '1.json'), 'utf8'))).toMatchObject({
      text: 'hi \ufffd',
    });
  });

  it('shows a follow-up only once it was noted, and never when it could not be noted', async () => {
    const { directory, input } = rig();
    let seen: string[] = [];
    await input.followUp('1.json', 'noted', () => {
      seen = readdirSync(directory);
    });
    expect(seen).toEqual(['.1.json.tmp']);
    expect(await readdir(directory)).toEqual(['1.json']);
    const noRoom = (): void => {
      throw new Error('no room');
    };
    await expect(input.followUp('2.json', 'not noted', noRoom)).rejects.toThrow('no room');
    expect(await readdir(directory)).toEqual(['1.json']);
  });

  it('reports a follow-up as taken when its file was there and is gone, not when it was never shown', async () => {
    const { directory, input } = rig();
    // A host that dies after the row has left the file under its first name.
    await writeFile(join(directory, '.1.json.tmp'), '');
    expect(await wasTaken(directory, '1.json')).toBe(false);
    await input.followUp('2.json', 'x');
    expect(await wasTaken(directory, '2.json')).toBe(false);
    await rm(join(directory, '2.json'));
    expect(await wasTaken(directory, '2.json')).toBe(true);
  });

  it('does not ask the agent to finish while a follow-up waits', async () => {
    const { directory, input } = rig();
    await input.followUp('1.json', 'and this');
    expect(await input.finish()).toBe(false);
    expect(await readdir(directory)).toEqual(['1.json']);
  });

  it('asks the agent to finish once, and accepts nothing more after that', async () => {
    const { directory, input } = rig();
    expect(await Promise.all([input.finish(), input.finish()])).toEqual([true, true]);
    expect(await input.followUp('1.json', 'too late')).toBe(false);
    await input.wrapUp();
    expect(await readdir(directory)).toEqual(['_close']);
  });

  it('asks the agent to finish although its directory cannot be read: nothing can be waiting there', async () => {
    const { directory, input } = rig();
    await rm(directory, { recursive: true });
    await writeFile(directory, 'no directory');
    expect(await input.finish()).toBe(true);
    expect(await input.followUp('1.json', 'too late')).toBe(false);
  });

  it('notifies the agent that time is nearly up', async () => {
    const { directory, input } = rig();
    await input.wrapUp();
    expect(await readdir(directory)).toEqual(['_wrap_up']);
  });

  it('gives no notice to an agent that has ended, or when too little time is left', async () => {
    const late = rig(100, 100);
    expect(await late.input.followUp('1.json', 'late')).toBe(false);
    const ended = rig();
    ended.input.close();
    expect(await ended.input.followUp('1.json', 'late')).toBe(false);
    expect(await ended.input.finish()).toBe(true);
    expect([...(await readdir(late.directory)), ...(await readdir(ended.directory))]).toEqual([]);
  });

  it('fails for a name that the agent has made a directory, and the error says so', async () => {
    const { directory, input } = rig();
    await mkdir(join(directory, '1.json'));
    await writeFile(join(directory, '1.json', 'x'), '');
    await expect(input.followUp('1.json', 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY/);
    expect(await readdir(directory)).toEqual(['1.json']);
  });
});
