import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { openLog } from './log.ts';
import { LogFile } from './log-file.ts';

const noGap = (): string => '';

function rig() {
  const directory = temporaryDirectory();
  const file = join(directory, 'logs', 'nanoclaw.log');
  const errorFile = join(directory, 'logs', 'nanoclaw.error.log');
  const { log, close } = openLog({ level: 'info', file, errorFile });
  onTestFinished(close);
  const lines = (path: string): string[] => readFileSync(path, 'utf8').trim().split('\n');
  return { log, file, errorFile, lines };
}

describe('the log', () => {
  it('has one line of text an event, fields beside a stable message', () => {
    const { log, file, lines } = rig();
    log.info({ group: 'family' }, 'Turn done');
    log.child({ room: 'mailbox' }).info('several\nlines');
    const [first, second] = lines(file);
    expect(first).toMatch(/^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] INFO: Turn done \{"group":"family"\}$/);
    expect(second).toMatch(/INFO: \[mailbox\] several\\nlines$/);
  });

  it('holds nothing that a terminal obeys, in messages, fields and errors', () => {
    const { log, file } = rig();
    const hostile = '\u001b]0;title\u0007\u009b2J\u202e\u007f';
    const shown: string[] = [];
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    terminal.on('data', (piece: Buffer) => shown.push(piece.toString()));
    const screen = openLog({ level: 'info', terminal });
    onTestFinished(screen.close);
    for (const each of [log, screen.log]) {
      each.info({ session: hostile, [hostile]: { deep: hostile } }, `Session initialized: ${hostile}`);
      each.warn({ err: new Error(hostile) }, 'failed');
    }
    terminal.read();
    expect(readFileSync(file, 'utf8')).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    const coloured = shown.join('');
    expect(coloured).toContain('\u001b[32m');
    expect(stripVTControlCharacters(coloured)).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });

  it('holds no password of an address, wherever it stands', () => {
    const { log, file, lines } = rig();
    const address = 'http://maria:top%2Dsecret@llm.example/v1';
    log.child({ url: address }).info({ list: [address] }, `asked ${address}`);
    log.warn({ err: new Error(`cannot ask ${address}, or https://token@x.example`) }, 'failed');
    expect(lines(file).join()).not.toMatch(/secret|maria|token@/);
    expect(lines(file)[1]).toContain('http://[redacted]@llm.example/v1, or https://[redacted]@x.example');
    log.info('https://x.example/@eve?a=b@c');
    expect(lines(file)[2]).toMatch(/INFO: https:\/\/x\.example\/@eve\?a=b@c$/);
  });

  it('ends the line about a session with its id, for scripts that cut it off there', () => {
    const { log, file, lines } = rig();
    log.info('Session initialized: abc-123');
    expect(lines(file)[0]?.split(/\s+/).at(-1)).toBe('abc-123');
  });

  it('writes warnings and above to the second file as well', () => {
    const { log, errorFile, lines } = rig();
    log.info('fine');
    log.warn('hm');
    log.error({ err: Object.assign(new Error('no room'), { code: 'ENOSPC' }) }, 'bad');
    const written = lines(errorFile);
    expect(written).toHaveLength(2);
    expect(written[1]).toMatch(/ERROR: bad .*no room \[ENOSPC\]/);
  });

  it('is rotated when it has grown, and keeps the newest three', () => {
    const directory = temporaryDirectory();
    const file = new LogFile(join(directory, 'x.log'), 100, () => undefined, noGap);
    for (let n = 0; n < 30; n++) file.write(`${String(n).padStart(50, '.')}\n`);
    file.close();
    expect(readdirSync(directory).sort()).toEqual(['x.log.1', 'x.log.2', 'x.log.3']);
    expect(readFileSync(join(directory, 'x.log.1'), 'utf8')).toContain('29');
  });

  it('notifies its listener of an event about machine trouble, also as the cause of another error', () => {
    const { log, close, onTrouble } = openLog({ level: 'info' });
    onTestFinished(close);
    const told = vi.fn();
    onTrouble(told);
    const full = Object.assign(new Error('no room'), { code: 'ENOSPC' });
    log.error({ err: new Error('something else') }, 'a');
    log.info('b');
    expect(told).not.toHaveBeenCalled();
    log.child({ room: 'mailbox' }).warn({ error: full }, 'c');
    log.error({ err: new Error('not drained', { cause: full }) }, 'd');
    expect(told).toHaveBeenCalledTimes(2);
  });

  it('is reported once when it cannot be written, and stops nothing', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'x.log'));
    const failed = vi.fn();
    const file = new LogFile(join(directory, 'x.log'), 100, failed, noGap);
    file.write('a\n');
    file.write('b\n');
    expect(failed).toHaveBeenCalledTimes(1);
  });
});
