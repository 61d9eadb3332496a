import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { HostLock } from './host-lock.ts';

describe('the lock of a root', () => {
  it('is free when its holder was killed', async () => {
    const file = join(temporaryDirectory(), 'host.lock.db');
    const script = `
      import { HostLock } from ${JSON.stringify(new URL('./host-lock.ts', import.meta.url).href)};
      HostLock.acquire(${JSON.stringify(file)}, process.pid);
      process.kill(process.pid, 'SIGKILL');`;
    const run = promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ]);
    await expect(run).rejects.toMatchObject({ signal: 'SIGKILL' });
    const lock = HostLock.acquire(file, process.pid);
    lock.release();
  });
});
