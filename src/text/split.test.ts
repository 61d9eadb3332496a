import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_PARTS, PART_LENGTH, splitText } from './split.ts';

const small = { length: 200, parts: 1_000 };
const sentence = 'The quick brown fox jumps over the lazy dog. ';
const bare = (text: string): string => text.replace(/\s/g, '');

describe('a text', () => {
  it('stays the same when it fits', () => {
    expect(splitText('hello\n\nworld')).toEqual(['hello\n\nworld']);
  });

  it('is cut between paragraphs before anything else', () => {
    const paragraphs = ['a', 'b', 'c'].map((letter) => `${letter.repeat(40)}\n${letter.repeat(40)}`);
    expect(splitText(paragraphs.join('\n\n'), small)).toEqual([
      paragraphs.slice(0, 2).join('\n\n'),
      paragraphs[2],
    ]);
  });

  it('is cut between lines where there is no paragraph', () => {
    const lines = Array.from({ length: 10 }, (_, n) => `${n}`.repeat(30));
    expect(splitText(lines.join('\n'), small)).toEqual([
      lines.slice(0, 6).join('\n'),
      lines.slice(6).join('\n'),
    ]);
  });

  it('keeps the indentation of the line that a part begins with', () => {
    const lines = Array.from({ length: 10 }, (_, n) => `  - ${`${n}`.repeat(26)}`);
    expect(splitText(`x\n${lines.join('\n')}`, small)[1]).toMatch(/^ {2}- /);
  });

  it('is cut between sentences where there is no line', () => {
    for (const part of splitText(sentence.repeat(20), small)) expect(part).toMatch(/^The .* dog\.$/);
  });

  it('is cut between words where there is no sentence', () => {
    const words = 'word '.repeat(200).trim();
    const parts = splitText(words, small);
    expect(parts.join(' ')).toBe(words);
  });

  it('has no empty part when there are only blanks in its middle', () => {
    const parts = splitText(`${'x'.repeat(200)}\n${' '.repeat(500)}y`, small);
    expect(parts.map((part) => part.trim())).toEqual(['x'.repeat(200), 'y']);
  });

  it('is cut between grapheme clusters when it has no blank', () => {
    const family = '👨‍👩‍👧‍👦';
    const parts = splitText(family.repeat(60), small);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(part.replaceAll(family, '')).toBe('');
  });

  it('is cut between code points when it is one endless grapheme cluster', () => {
    const parts = splitText(`a${'\u0301'.repeat(1_000)}`, small);
    expect(parts.join('')).toHaveLength(1_001);
  });
});

describe('a code block', () => {
  const code = Array.from({ length: 50 }, (_, n) => `  line(${n});`);

  it('is closed in the one part and opened again, with its language, in the next', () => {
    const parts = splitText(`Look:\n\n\`\`\`ts\n${code.join('\n')}\n\`\`\`\n\nDone.`, small);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) expect(part.match(/^```/gm)?.length ?? 0).toSatisfy((n: number) => n % 2 === 0);
    for (const part of parts.slice(1, -1)) expect(part).toMatch(/^```ts\n {2}line\(/);
    const lines = parts.flatMap((part) => part.split('\n')).filter((line) => line.includes('line('));
    expect(lines).toEqual(code);
  });

  it('is not cut when it would fit into a part of its own', () => {
    const block = `\`\`\`\n${code.slice(0, 10).join('\n')}\n\`\`\``;
    expect(splitText(`${'x'.repeat(100)}\n\n${block}`, small)).toEqual(['x'.repeat(100), block]);
  });

  it('keeps every blank in one endless line', () => {
    const line = 'a  b '.repeat(200);
    const parts = splitText(`\`\`\`\n${line}\n\`\`\``, small);
    expect(parts.map((part) => part.split('\n')[1]).join('')).toBe(line);
  });
});

describe('a text beyond the size limit', () => {
  it('is cut with a note about it', () => {
    const parts = splitText(sentence.repeat(4_000));
    expect(parts).toHaveLength(MOST_PARTS);
    expect(parts.at(-1)).toMatch(/✂️ [\d,]+ more characters are left out/);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(PART_LENGTH + 20);
  });
});

it('a split text loses nothing, keeps every limit and has no cut surrogate pair, whatever the text', () => {
  const chunk = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.constantFrom('\n', '\n\n', '```\n', '```js\n', '\n```\n', '~~~\n', ' ', sentence, '👩🏽‍🚀', 'é'),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 40 }), (chunks) => {
      const text = chunks.join('');
      const parts = splitText(text, small);
      for (const part of parts) {
        expect(part.length).toBeLessThanOrEqual(small.length);
        expect(part).toBe(Buffer.from(part).toString());
      }
      const unfenced = (words: string): string => bare(words.replace(/^ {0,3}(`{3,}|~{3,})[^`\n]*$/gm, ''));
      expect(unfenced(parts.join('\n'))).toBe(unfenced(text.replaceAll('\r\n', '\n')));
    }),
    { numRuns: 300 },
  );
});
