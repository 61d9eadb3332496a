import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../support/sandbox.ts';

describe('npm run demo', () => {
  it('answers as a script, ignores messages without the trigger, and waits for the reminder', async () => {
    const say = ['@Andy ping', 'nobody called', '@Andy remind me in 2 seconds to stretch'].flatMap((text) => [
      '--say',
      text,
    ]);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'simulator/demo/main.ts', ...say, '--timeout', '50'],
      { cwd: PACKAGE_ROOT },
    );
    expect(stdout).toMatch(/^Sandbox: /);
    expect(stdout).toMatch(/you> @Andy ping\nAndy> pong\nyou> nobody called\n\(left alone\)\n/);
    expect(stdout).toMatch(/Andy> Reminder: stretch\n$/);
  });

  // With the real pauses between three tries, 25 s.
  it('exits with 1 and the reason when no turn succeeded', { timeout: 120_000 }, async () => {
    const run = promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'simulator/demo/main.ts', '--say', '@Andy fail', '--timeout', '100'],
      { cwd: PACKAGE_ROOT },
    );
    await expect(run).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/No turn succeeded: .*asked to fail/),
    });
  });

  it('exits with 1 when a message cannot be settled in time', async () => {
    const run = promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'simulator/demo/main.ts', '--say', '@Andy sleep 60', '--timeout', '8'],
      { cwd: PACKAGE_ROOT },
    );
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/within 8 seconds/) });
  });
});
