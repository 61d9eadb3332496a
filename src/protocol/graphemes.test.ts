import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, graphemes, shortened } from './graphemes.ts';

describe('a text that is cut', () => {
  it('is cut between characters as people see them', () => {
    expect(cutText('नमस्ते', 3)).toBe('नम');
    expect(cutText('e\u0301e\u0301', 3)).toBe('e\u0301');
    expect(cutText('👍🏽👍🏽', 6)).toBe('👍🏽');
    expect(cutText('🇩🇪🇫🇷', 7)).toBe('🇩🇪');
    expect(cutText('short', 5)).toBe('short');
    expect(shortened('👍👍', 3)).toBe('👍…');
    expect(shortened('👍👍', 4)).toBe('👍👍');
  });

  it('consists of whole characters and stays below its limit, whatever the text', () => {
    const chunk = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.constantFrom('👨‍👩‍👧‍👦', '👩🏽‍🚀', 'é', 'नमस्ते', '🇩🇪', '한'),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), fc.integer({ min: 30, max: 200 }), (chunks, most) => {
        const text = chunks.join('');
        const kept = cutText(text, most);
        expect(kept.length).toBeLessThanOrEqual(most);
        expect(kept.isWellFormed()).toBe(text.isWellFormed());
        const whole = [...graphemes.segment(text)].map(({ segment }) => segment);
        const length = [...graphemes.segment(kept)].length;
        expect(whole.slice(0, length).join('')).toBe(kept);
      }),
    );
  });

  it('is cut between code points when it is one endless character', () => {
    expect(cutText(`a${'\u0301'.repeat(100)}`, 10)).toHaveLength(10);
    expect(cutText(`a${'\u{e0100}'.repeat(100)}`, 10)).toBe(`a${'\u{e0100}'.repeat(4)}`);
  });
});
