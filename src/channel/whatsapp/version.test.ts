import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { systemClock } from '../../clock.ts';
import { ClientVersions, oldVersionAdvice, PINNED_VERSION, versionInUse, versionInWords } from './version.ts';

const DAY = 24 * 60 * 60 * 1_000;
const NOW = Date.UTC(2027, 0, 1);

function fileWith(content: string): string {
  const file = join(temporaryDirectory(), 'whatsapp-version.json');
  writeFileSync(file, content);
  return file;
}

describe('the version in use', () => {
  it('is the one that was looked up, with its age', () => {
    const lookedUp = { version: [2, 3000, 1_050_000_000], at: NOW - 3 * DAY };
    const inUse = versionInUse(fileWith(JSON.stringify({ lookedUp })), undefined);
    expect(versionInWords(inUse, NOW)).toBe('2.3000.1050000000 (looked up, 3 days old)');
    expect(oldVersionAdvice(inUse, NOW)).toBeUndefined();
  });

  it.each(['', '{"lookedUp":{"version":"2.3000.1","at":1}}', '[]'])(
    'is the built-in one where the file says %s',
    (content) => {
      expect(versionInUse(fileWith(content), undefined)).toMatchObject({
        version: PINNED_VERSION,
        source: 'built in',
      });
    },
  );

  it('is the built-in one where an older program looked up an older one and none was looked up since', () => {
    const lookedUp = { version: [2, 3000, 1_033_846_690], at: Date.UTC(2026, 2, 1) };
    expect(versionInUse(fileWith(JSON.stringify({ lookedUp })), undefined)).toMatchObject({
      version: PINNED_VERSION,
      source: 'built in',
    });
  });

  it('is that of WHATSAPP_VERSION where it is set', () => {
    const inUse = versionInUse('/nonexistent', [2, 3000, 1_033_846_690]);
    expect(versionInWords(inUse, NOW)).toBe('2.3000.1033846690 (WHATSAPP_VERSION)');
    expect(oldVersionAdvice(inUse, NOW)).toMatch(/may be too old/);
  });

  it('may be too old to link an account after a hundred days', () => {
    expect(oldVersionAdvice(versionInUse('/nonexistent', undefined), NOW)).toMatch(
      /built in, 161 days old\), may be too old.*web\.whatsapp\.com.*WHATSAPP_VERSION/,
    );
  });
});

describe('the look-up of the version', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('is made at the start, then once a day, and no more after the stop', async () => {
    vi.useFakeTimers({ now: NOW });
    const fetched = vi.fn(async () => new Response('{"client_revision": 1050000000}'));
    vi.stubGlobal('fetch', fetched);
    const file = join(temporaryDirectory(), 'whatsapp-version.json');
    const options = { file, fixed: undefined, serverUrl: undefined, clock: systemClock, log: silentLog };
    const versions = new ClientVersions(options);
    versions.start();
    await versions.lookUp();
    expect(fetched).toHaveBeenCalledTimes(1);
    expect(versionInWords(versionInUse(file, undefined), NOW)).toMatch(/^2\.3000\.1050000000 \(looked up/);
    vi.advanceTimersByTime(DAY - 60_000);
    expect(fetched).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(3_600_000);
    expect(fetched).toHaveBeenCalledTimes(2);
    await versions.stop();
    vi.advanceTimersByTime(3 * DAY);
    expect(fetched).toHaveBeenCalledTimes(2);
  });
});
