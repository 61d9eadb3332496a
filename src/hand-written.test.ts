import { describe, expect, it } from 'vitest';
import { handWritten } from './hand-written.ts';

describe('a file that people edit', () => {
  it('is read without its byte order mark', () => {
    expect(handWritten(Buffer.from('\uFEFFA=ä'), 'x')).toBe('A=ä');
    expect(handWritten(Buffer.from('A=ä'), 'x')).toBe('A=ä');
    expect(handWritten(Buffer.from(''), 'x')).toBe('');
    expect(handWritten(Buffer.from('A'), 'x')).toBe('A');
  });

  it.each([
    ['with a mark', Buffer.from('\uFEFFA=1', 'utf16le'), 'UTF-16'],
    ['of the other order', Buffer.from('\uFEFFA=1', 'utf16le').swap16(), 'UTF-16'],
    ['without a mark', Buffer.from('A=1', 'utf16le'), 'UTF-16LE'],
    ['of the other order without a mark', Buffer.from('A=1', 'utf16le').swap16(), 'UTF-16BE'],
  ])('is refused as UTF-16 %s, with the command that converts it', (_, bytes, encoding) => {
    expect(() => handWritten(bytes, '/r/.env')).toThrow(
      `it is UTF-16, not UTF-8. Convert it: iconv -f ${encoding} -t UTF-8 /r/.env > /r/.env.new`,
    );
  });
});
