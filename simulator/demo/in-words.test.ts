import { describe, expect, it } from 'vitest';
import type { ChatLine } from '../simulator.ts';
import { changeInWords, lineInWords } from './in-words.ts';

const LINE: ChatLine = {
  id: 'A',
  chat: 'c@g.us',
  from: 'ben@s.whatsapp.net',
  fromName: 'Ben',
  fromMe: false,
  byDevice: false,
  text: 'hello',
  at: 0,
};

describe('a chat message in a terminal', () => {
  it('is its text', () => {
    expect(lineInWords(LINE)).toBe('hello');
  });

  it('names a file with its type and size, and its caption below', () => {
    const media = { kind: 'document', mimeType: 'text/plain', bytes: 12, data: Buffer.alloc(12) } as const;
    expect(lineInWords({ ...LINE, media: { ...media, fileName: 'note.txt', caption: 'Look' } })).toBe(
      '📎 note.txt (text/plain, 12 bytes)\nLook',
    );
    expect(lineInWords({ ...LINE, media: { ...media, kind: 'image', bytes: 2_345_678 } })).toBe(
      '📎 image (text/plain, 2.3 MB)',
    );
    expect(lineInWords({ ...LINE, media: { ...media, bytes: 45_600 } })).toContain('46 kB');
  });
});

describe('a change of a chat message in a terminal', () => {
  const by = 'ann@s.whatsapp.net';
  const told = (change: 'edited' | 'removed' | 'reaction', line: Partial<ChatLine> = {}) =>
    changeInWords({ change, by, byDevice: false, line: { ...LINE, ...line } }, 'Ann');

  it('is shown with its author', () => {
    expect(told('edited', { text: 'hello!' })).toBe('Ann edited: hello!');
    expect(told('removed', { text: '' })).toBe('Ann deleted a message');
    expect(told('reaction', { reactions: [{ from: by, emoji: '👍' }] })).toBe('👍 Ann on “hello”');
    expect(told('reaction', { reactions: [] })).toBe('Ann took a reaction back');
  });

  it('has a long text cut, and words for an empty one', () => {
    const reactions = [{ from: by, emoji: '👍' }];
    expect(told('reaction', { reactions, text: 'x'.repeat(50) })).toBe(`👍 Ann on “${'x'.repeat(39)}…”`);
    expect(told('reaction', { reactions, text: '' })).toBe('👍 Ann on the message');
  });
});
