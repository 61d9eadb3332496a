import { randomBytes } from 'node:crypto';
import { generateMessageIDV2 } from '@whiskeysockets/baileys';
import { describe, expect, it } from 'vitest';
import { isAssistantId, newWireId } from './wire-id.ts';

describe('an id for the wire', () => {
  it('has the form of the ids that WhatsApp’s clients make', () => {
    const form = /^3EB0[0-9A-F]{18}$/;
    expect(generateMessageIDV2('491510@s.whatsapp.net')).toMatch(form);
    for (let n = 0; n < 100; n++) expect(newWireId(randomBytes)).toMatch(form);
  });

  it('is recognized as an assistant’s by any instance', () => {
    for (let n = 0; n < 100; n++) expect(isAssistantId(newWireId(randomBytes))).toBe(true);
    // Written down: what one version marks, every other one must know.
    expect(newWireId((count) => Buffer.alloc(count, 0xab))).toBe('3EB0ABABABABABABAB92BA');
  });

  it('is a different one each time', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => newWireId(randomBytes))).size).toBe(1_000);
  });

  it.each([
    ['a phone’s', '3A1F0C6A6E5D4B3C2A10'],
    ['one with a digit changed', newWireId(() => Buffer.alloc(7, 1)).replace('3EB001', '3EB002')],
    ['one in lower case', newWireId(() => Buffer.alloc(7, 1)).toLowerCase()],
    ['one with more behind it', `${newWireId(() => Buffer.alloc(7, 1))}00`],
    ['an empty one', ''],
  ])('is not an assistant’s when it is %s', (_, id) => {
    expect(isAssistantId(id)).toBe(false);
  });

  it('has the assistant’s mark only by chance when another client made it', () => {
    const marked = Array.from({ length: 2_000 }, () => generateMessageIDV2()).filter(isAssistantId);
    expect(marked.length).toBeLessThan(5);
  });
});
