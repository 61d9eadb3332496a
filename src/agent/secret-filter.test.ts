import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SecretFilter, secretsIn, withoutSecrets } from './secret-filter.ts';

describe('the secret filter', () => {
  it('removes a secret however the text is cut, and changes nothing else', () => {
    const secrets = ['sk-abcabd-2', 'abcabd'];
    const text = 'xx abcabcabd sk-abcabd-2 abcab sk-abcabd';
    const whole = 'xx abc[redacted] [redacted] abcab sk-[redacted]';
    expect(withoutSecrets(text, secrets)).toBe(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 20 }), (cuts) => {
        const filter = new SecretFilter(secrets);
        let out = '';
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), text.length]) {
          out += filter.push(text.slice(from, to));
          from = to;
        }
        out += filter.end();
        expect(out).toBe(whole);
      }),
    );
  });

  it('passes text on at once when it cannot start a secret', () => {
    const filter = new SecretFilter(['secret-value']);
    expect(filter.push('progress 10%\n')).toBe('progress 10%\n');
    expect(filter.push('a sec')).toBe('a ');
    expect(filter.push('ond line')).toBe('second line');
  });

  it.each([
    ['http://ann:top-secret@llm.example/v1', ['top-secret']],
    ['https://ann:p%40ss%2Fword@llm.example', ['p%40ss%2Fword', 'p@ss/word']],
    ['https://ann:p@ssword!@llm.example', ['p@ssword!', 'p%40ssword!']],
    ['http://token-of-ann@proxy.example:8080', ['token-of-ann']],
    ['http://ann:pw@proxy.example', ['ann:pw@']],
    ['https://llm.example/v1?user=ann@x.example', []],
    ['localhost:11434', []],
  ])('finds the password in an address, as it is written and as it is meant: %s', (address, secrets) => {
    for (const name of ['ANTHROPIC_BASE_URL', 'HTTPS_PROXY']) {
      const found = secretsIn({ [name]: address });
      expect(found).toEqual(expect.arrayContaining(secrets));
      expect(withoutSecrets(`failed: ${address}`, found)).not.toMatch(/secret|ssword|ssWord|token-of|:pw/);
      if (secrets.length === 0) expect(found).toEqual([]);
    }
    const basic = Buffer.from('ann:top-secret').toString('base64');
    expect(secretsIn({ X_BASE_URL: 'http://ann:top-secret@x' })).toContain(basic);
  });

  it('finds secrets by the names of their variables, and ignores values that are too short to be one', () => {
    expect(
      secretsIn({
        ANTHROPIC_API_KEY: 'sk-12345678',
        TZ: 'Europe/Berlin',
        X_TOKEN: 'no',
        MY_PASSWORD: 'longer-than-the-key',
      }),
    ).toEqual(['longer-than-the-key', 'sk-12345678']);
  });
});
