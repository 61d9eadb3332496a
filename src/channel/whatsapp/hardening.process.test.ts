import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

describe('libsignal’s print of private keys', () => {
  const hardening = join(import.meta.dirname, 'hardening.ts');
  /** Closes a session that holds a recognisable key, as a new session with the same person does. */
  const script = (harden: boolean) => `
    import { createRequire } from 'node:module';
    import { silencePrivateKeys } from ${JSON.stringify(hardening)};
    ${harden ? 'silencePrivateKeys(); silencePrivateKeys();' : ''}
    const require = createRequire(createRequire(${JSON.stringify(hardening)}).resolve('@whiskeysockets/baileys'));
    const SessionRecord = require('libsignal/src/session_record.js');
    const session = SessionRecord.createEntry();
    session.currentRatchet = { privKey: 'THE PRIVATE KEY' };
    session.indexInfo = { closed: -1, baseKey: Buffer.from('x') };
    const record = new SessionRecord();
    record.closeSession(session);
    record.closeSession(session);
    record.openSession(session);
    console.info('an info of', 'ours');
    console.warn('a warning: Closing session: of ours');
    console.log('Closing session:', 'in a log');`;

  async function output(harden: boolean): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script(harden)],
      { cwd: import.meta.dirname },
    );
    return stdout + stderr;
  }

  it('happens without the filter', async () => {
    expect(await output(false)).toContain('THE PRIVATE KEY');
  });

  it('is filtered, and nothing else is', async () => {
    const printed = await output(true);
    expect(printed).not.toContain('THE PRIVATE KEY');
    const lines = printed.split('\n').filter((line) => line !== '');
    expect(lines.sort()).toEqual([
      'Closing session: in a log',
      'a warning: Closing session: of ours',
      'an info of ours',
    ]);
  });
});
