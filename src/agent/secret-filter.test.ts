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
