import { describe, expect, it } from 'vitest';
import { bulletsOf, withBullet } from './memory-commands.ts';

describe('the memory', () => {
  it('gets a section of its own below its template', () => {
    expect(withBullet('# Family\n\nBe kind.\n', 'tea')).toBe(
      '# Family\n\nBe kind.\n\n## Remembered\n\n- tea\n',
    );
  });

  it('grows at the end of that section, before what people wrote after it', () => {
    const memory = '# Family\n\n## Remembered\n\n- tea\n\n## Rules\n\n- none\n';
    const grown = withBullet(memory, 'two\nlines');
    expect(grown).toBe('# Family\n\n## Remembered\n\n- tea\n- two lines\n\n## Rules\n\n- none\n');
    expect(bulletsOf(grown)).toEqual(['tea', 'two lines']);
  });

  it('starts from an empty file', () => {
    expect(bulletsOf('# Family\n\n- not remembered, but written\n')).toEqual([]);
    expect(withBullet('', 'tea')).toBe('## Remembered\n\n- tea\n');
    expect(bulletsOf(withBullet('## Remembered\n', 'tea'))).toEqual(['tea']);
  });
});
