import { describe, expect, it } from 'vitest';
import { BoundedText, bounded } from './bounded-text.ts';

describe('a bounded text', () => {
  it('keeps a short text whole, also one whose letters come in pieces', () => {
    const text = new BoundedText(100);
    for (const byte of Buffer.from('grüße 👋')) text.append(Buffer.from([byte]));
    expect(text.toString()).toBe('grüße 👋');
  });

  it('keeps both ends of a long one and says how much is missing', () => {
    const text = new BoundedText(5);
    for (let n = 0; n < 1000; n += 1) text.append('0123456789');
    expect(text.toString()).toBe('01234\n[… 9990 characters left out …]\n56789');
  });

  it('can be read at any time, even before the text has ended', () => {
    expect(bounded('0123456789', 5)).toBe('0123456789');
    expect(bounded('01234...56789', 5)).toBe('01234\n[… 3 characters left out …]\n56789');
  });
});
