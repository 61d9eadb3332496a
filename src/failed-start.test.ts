import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../test/support/temporary.ts';
import { ConfigError } from './config.ts';
import { logFailedStart } from './failed-start.ts';

describe('a start that fails', () => {
  it('leaves its reason in both log files of the root', () => {
    const root = temporaryDirectory();
    logFailedStart({ NANOCLAW_ROOT: root }, new ConfigError('LOG_LEVEL is "loud".\nSet it otherwise.'));
    for (const name of ['nanoclaw.log', 'nanoclaw.error.log']) {
      const lines = readFileSync(join(root, 'logs', name), 'utf8')
        .trim()
        .split('\n');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/FATAL: The assistant cannot start .*LOG_LEVEL is \\?"loud/);
    }
  });

  it('makes no root where there is none, and a relative root is no further error', () => {
    const root = join(temporaryDirectory(), 'elsewhere');
    logFailedStart({ NANOCLAW_ROOT: root }, new Error('no root'));
    logFailedStart({ NANOCLAW_ROOT: 'here' }, new Error('no root'));
    expect(existsSync(root)).toBe(false);
  });

  it('says nothing more where the log cannot be written', () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'logs'), 'a file in the place of the directory');
    const stderr = vi.spyOn(process.stderr, 'write');
    logFailedStart({ NANOCLAW_ROOT: root }, new Error('no room'));
    expect(stderr).not.toHaveBeenCalled();
    stderr.mockRestore();
  });
});
