import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { HOUR } from '../clock.ts';
import { pathsAt } from '../paths.ts';
import { examine, formatFindings, type Patient } from './doctor.ts';

const NOW = Date.UTC(2026, 0, 1);

function healthy(change: Partial<Patient> = {}): Patient {
  return {
    paths: pathsAt(temporaryDirectory()),
    nodeVersion: '20.19.0',
    now: NOW,
    timezone: 'Europe/Berlin',
    agent: () => 'offline, needs no key',
    account: () => ({ status: 'paired', number: '4915123456789', name: 'Ann' }),
    version: () => ({ words: '2.3000.1 (looked up, 1 day old)', advice: undefined }),
    line: () => ({ hostPid: 4711, line: 'open' }),
    sandbox: async () => [{ name: 'sandbox starts', ok: true, detail: 'bubblewrap', cure: undefined }],
    ...change,
  };
}

/** What is wrong, by name, with its cure. */
async function wrong(change: Partial<Patient>): Promise<unknown[]> {
  const findings = await examine(healthy(change));
  return findings.filter(({ ok }) => !ok).map(({ name, detail, cure }) => `${name}: ${detail} → ${cure}`);
}

describe('the doctor', () => {
  it('finds nothing wrong on a healthy machine, a line for each check', async () => {
    const findings = await examine(healthy());
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    const lines = formatFindings(findings).split('\n');
    expect(lines).toHaveLength(findings.length + 1);
    expect(lines).toContain('✓ account: +4915123456789 (Ann)');
    expect(lines.at(-1)).toBe('All is well.');
  });

  it('shows the version of WhatsApp Web and warns that it may be too old to link an account', async () => {
    const findings = await examine(
      healthy({ version: () => ({ words: '2.3000.1', advice: 'Set another' }) }),
    );
    expect(findings).toContainEqual({
      name: 'version',
      ok: true,
      detail: 'WhatsApp Web 2.3000.1',
      cure: 'Set another',
    });
  });

  it.each<[string, Partial<Patient>, RegExp]>([
    ['an old Node', { nodeVersion: '20.18.3' }, /^Node: 20\.18\.3 → Install Node 20\.19/],
    [
      'a Node that aborts',
      { nodeVersion: '24.19.0' },
      /^Node: 24\.19\.0, .*aborts.* → Install Node 24\.18 or 22/,
    ],
    ['no root', { paths: pathsAt('/nonexistent/nanoclaw') }, /^folders: .* does not exist → .*NANOCLAW_ROOT/],
    ['no account', { account: () => ({ status: 'unpaired' }) }, /^account: .* → Link one: \.\/nanoclaw pair/],
    ['no host', { line: () => ({ hostPid: null, line: 'open' }) }, /^line: no host.* → Start it: npm start/],
    [
      'a line that is away',
      { line: () => ({ hostPid: 1, line: 'stopped: unlinked (401)' }) },
      /^line: stopped: unlinked \(401\) → .*status/,
    ],
  ])('names %s and its fix', async (_, change, words) => {
    expect(await wrong(change)).toEqual([expect.stringMatching(words)]);
  });

  it('warns of possible improvements, and does not count them as failures', async () => {
    const findings = await examine(
      healthy({
        sandbox: async () => [{ name: 'limits', ok: true, detail: 'no limit of memory', cure: 'Use Docker' }],
      }),
    );
    const lines = formatFindings(findings).split('\n');
    expect(lines).toContain('! limits: no limit of memory');
    expect(lines).toContain('  → Use Docker');
    expect(lines.at(-1)).toBe('All is well.');
  });

  it('takes the fix from an error’s text, and continues', async () => {
    const found = await wrong({
      agent: () => {
        throw new Error('codex has no key\nPut CODEX_API_KEY into .env');
      },
      sandbox: () => Promise.reject(new Error('There is no image. Build it: container/build.sh')),
      account: () => {
        throw new Error('The credentials are unreadable');
      },
    });
    expect(found).toEqual([
      'agent: codex has no key → Put CODEX_API_KEY into .env',
      expect.stringMatching(/^sandbox: There is no image\. Build it/),
      expect.stringMatching(/^account: The credentials are unreadable/),
    ]);
  });

  it('notices a clock that runs behind what was written', async () => {
    const paths = pathsAt(temporaryDirectory());
    mkdirSync(dirname(paths.database));
    writeFileSync(paths.database, '');
    utimesSync(paths.database, new Date(NOW + HOUR), new Date(NOW + HOUR));
    expect(await wrong({ paths })).toEqual([
      expect.stringMatching(/^clock: .*written later → Set the clock/),
    ]);
  });

  it('changes nothing', async () => {
    const paths = pathsAt(join(temporaryDirectory(), 'not-yet'));
    await examine(healthy({ paths }));
    expect(() => mkdirSync(paths.root)).not.toThrow();
  });
});
