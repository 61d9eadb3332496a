import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Log, openLog } from '../../src/log.ts';
import { readLogInstants } from './log-instants.ts';

/** What the host's own log makes of some events. */
async function written(write: (log: Log) => void): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'nanoclaw-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'nanoclaw.log');
  const { log, close } = openLog({ level: 'debug', file });
  write(log);
  close();
  return readFileSync(file, 'utf8');
}

describe('the instants of runs', () => {
  it('are read from the lines that the host writes', async () => {
    const before = Date.now();
    const text = await written((log) => {
      const run = log.child({ group: 'main', run: 'run-1' });
      run.debug({ command: ['bwrap', '[x] INFO: "run":"no"'] }, 'Container arguments');
      log.info('Session initialized: abc');
      log.info('Session initialized: abc');
    });
    const { sandboxStarted = 0, firstFrame = 0 } = readLogInstants(text).get('run-1') ?? {};
    expect(sandboxStarted).toBeGreaterThanOrEqual(before);
    expect(firstFrame).toBeGreaterThanOrEqual(sandboxStarted);
    expect(firstFrame).toBeLessThanOrEqual(Date.now());
  });

  it('are kept apart when runs follow one another', () => {
    const text = [
      '[2026-01-01T00:00:00.001Z] DEBUG: Container arguments {"group":"main","run":"a","command":[]}',
      '[2026-01-01T00:00:00.002Z] INFO: Session initialized: one',
      '[2026-01-01T00:00:00.003Z] DEBUG: Container arguments {"group":"main","run":"b","command":[]}',
      '[2026-01-01T00:00:00.007Z] INFO: Session initialized: one',
    ].join('\n');
    const [a, b] = [...readLogInstants(text).values()];
    expect((a?.firstFrame ?? 0) - (a?.sandboxStarted ?? 0)).toBe(1);
    expect((b?.firstFrame ?? 0) - (b?.sandboxStarted ?? 0)).toBe(4);
  });

  it('are missing where the log does not have them', () => {
    const text = [
      '[2026-01-01T00:00:00.000Z] INFO: Session initialized: without-a-sandbox',
      '[2026-01-01T00:00:00.001Z] DEBUG: Container arguments {"group":"main","run":"a","command":[]}',
      'a line of another form',
    ].join('\n');
    expect(readLogInstants(text).get('a')).toEqual({ sandboxStarted: Date.UTC(2026, 0, 1, 0, 0, 0, 1) });
    expect(readLogInstants('')).toEqual(new Map());
  });
});
