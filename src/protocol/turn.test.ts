import { describe, expect, it } from 'vitest';
import { visibleText } from './turn.ts';

describe('the visible text of an answer', () => {
  it.each([
    ['keeps an answer without internal text', ' Hello ', 'Hello'],
    ['leaves out internal text', 'a <internal>b</internal>c', 'a c'],
    ['leaves out internal text of several parts', '<internal>a</internal>b<internal>c</internal>', 'b'],
    ['leaves out internal text in capitals', '<INTERNAL>a</Internal>b', 'b'],
    ['leaves out nested internal text', '<internal>a<internal>b</internal>c</internal>d', 'd'],
    ['leaves out internal text that is never closed', 'a <internal>b\nc', 'a'],
    [
      'leaves out nested internal text whose outer part is never closed',
      'a<internal>b<internal>c</internal>d',
      'a',
    ],
    ['leaves out what follows a tag that is cut off', 'a <internal', 'a'],
    ['accepts spaces and attributes in the tag', 'a< internal reason="x" >b</ internal >c', 'ac'],
    ['drops a closing tag without an opening one', 'a</internal>b', 'ab'],
    ['hides nothing after an empty tag', 'a<internal/>b', 'ab'],
    ['keeps a placeholder that begins alike', 'ssh <internal-ip> now', 'ssh <internal-ip> now'],
    ['keeps a comparison', 'if a < internal b, wait; c > d', 'if a < internal b, wait; c > d'],
    ['keeps a comparison at the end', 'external < internal pressure', 'external < internal pressure'],
    ['leaves out what follows a tag that is cut off in an attribute', 'a <internal reason="x', 'a'],
    [
      'reads many spaces after a bracket without a pause',
      `a <${' '.repeat(300_000)}b`,
      `a <${' '.repeat(300_000)}b`,
    ],
    ['keeps other tags that begin alike', '<internals>a</internals>', '<internals>a</internals>'],
  ])('%s', (_, result, visible) => {
    expect(visibleText(result)).toBe(visible);
  });
});
