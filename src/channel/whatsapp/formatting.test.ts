import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatForWhatsApp as format } from './formatting.ts';

const lines = (...all: string[]): string => all.join('\n');

describe('Markdown becomes what WhatsApp shows', () => {
  it.each([
    ['bold', '**bold** and __bold__', '*bold* and *bold*'],
    ['italic', '**b** *italic* _italic_', '*b* _italic_ _italic_'],
    ['bold and italic', '***both***', '_*both*_'],
    ['struck out', '~~gone~~ and ~gone~', '~gone~ and ~gone~'],
    ['code in a line', 'run `npm **test**` now', 'run `npm **test**` now'],
    ['a heading', '## The **end** of `it`\nText', '*The end of `it`*\nText'],
    ['an underlined heading', 'Title\n=====\nText', '*Title*\nText'],
    ['a line under a line', 'above\n---\nbelow', 'above\n──────────\nbelow'],
    ['a rule', 'a\n\n***\n\nb', 'a\n\n──────────\n\nb'],
    ['a link', '[the docs](https://x.de/a_b_c)', 'the docs (https://x.de/a_b_c)'],
    ['a link that names itself', '[x.de](https://x.de) <https://y.de>', 'https://x.de https://y.de'],
    ['a mail address', '[a@b.de](mailto:a@b.de) or a@b.de', 'a@b.de or a@b.de'],
    ['a picture', '![a cat](https://x.de/c.png)', 'a cat (https://x.de/c.png)'],
    [
      'a note',
      'So [it is][1], as [1] says.\n\n[1]: https://x.de',
      'So it is [1], as [1] says.\n\n[1] https://x.de',
    ],
    ['a list', '* one\n* **two**\n+ three', '- one\n- *two*\n- three'],
    ['numbers', '3. three\n4. four', '3. three\n4. four'],
    ['numbers that all say one', '1) a\n1) b', '1) a\n2) b'],
    ['numbers that are said', '3. Oktober\n25. Dezember', '3. Oktober\n25. Dezember'],
    ['numbers with gaps', '1. a\n3. b\n\n4. c', '1. a\n3. b\n\n4. c'],
    ['a list in a list', '- a\n    - b\n    - c\n- d', '- a\n  - b\n  - c\n- d'],
    ['tasks', '- [x] done\n- [ ] open', '- ☑ done\n- ☐ open'],
    ['a quotation', '> **said**\n> so', '> *said*\n> so'],
    ['escaped characters', '1\\. a\\_b \\# c', '1. a_b # c'],
    ['entities', 'Q&amp;A &lt;3 &#8364; &unknown; &#xD800;', 'Q&A <3 € &unknown; &#xD800;'],
    ['line breaks', 'a  \nb<br>c\\\nd', 'a\nb\nc\nd'],
    ['bold over two lines', '**one\ntwo**', '*one*\n*two*'],
    ['a label in a text with bold', '*Researcher:* I **found** it', '*Researcher:* I *found* it'],
    [
      'names of Python',
      'see __init__.py, call __init__() and __a__.',
      'see __init__.py, call __init__() and *a*.',
    ],
    ['products', '**so** 2*3*4', '*so* 2*3*4'],
    ['bold before a letter, ended by a Chinese colon', '**重要：**请注意', '*重要：*请注意'],
    ['bold before a letter, ended by another colon', '**重要:**请注意', '*重要:*请注意'],
    ['bold behind a letter, begun by a quotation mark', '请看**“重点”**内容', '请看*“重点”*内容'],
    ['bold in Japanese brackets', 'これは**「重要」**です', 'これは*「重要」*です'],
    ['bold before a Korean particle', '**"중요"**는 것', '*"중요"*는 것'],
    ['bold in Thai', '**หมายเหตุ:**กรุณา', '*หมายเหตุ:*กรุณา'],
    ['bold before a digit', '**截止：**2024年', '*截止：*2024年'],
    ['bold with code in it', '请用**`npm`**命令', '请用*`npm`*命令'],
    ['bold with a link in it', '**[文档](https://x.cn/a)**请看', '*文档 (https://x.cn/a)*请看'],
    ['struck out before a letter', '~~删除。~~后面', '~删除。~后面'],
    ['escaped marks in Chinese', '不：\\*\\*请\\*\\*', '不：**请**'],
    ['marks in Chinese code', '`**命令：**请`', '`**命令：**请`'],
    ['a link in a heading', '## [docs](https://x.de/a)', '*docs (https://x.de/a)*'],
    ['a link in a list in a list', '- a\n  - [b](https://x.de/b)', '- a\n  - b (https://x.de/b)'],
  ])('%s', (_, markdown, shown) => {
    expect(format(markdown)).toBe(shown);
  });

  it('a narrow table becomes columns of fixed width', () => {
    expect(format('| Name | Age |\n|---|--:|\n| **Ann** | 7 |\n| Bo | 42 |')).toBe(
      lines('```', 'Name  Age', '────  ───', 'Ann   7', 'Bo    42', '```'),
    );
  });

  it.each([
    ['a link', '[Ann](https://x.de/a)', 'Ann (https://x.de/a)'],
    ['a bold link', '**[Ann](https://x.de/a)**', '*Ann (https://x.de/a)*'],
    ['a picture', '![Ann](https://x.de/a.png)', 'Ann (https://x.de/a.png)'],
    ['a note', '[Ann][1]', 'Ann [1]'],
    ['an address', '<https://x.de/a>', 'https://x.de/a'],
  ])('a narrow table keeps the address of %s', (_, markdown, shown) => {
    const note = markdown.includes('[1]') ? '\n\n[1]: https://x.de/a' : '';
    const below = note === '' ? '' : '\n\n[1] https://x.de/a';
    expect(format(`| Name | Age |\n|---|---|\n| ${markdown} | 7 |${note}`)).toBe(
      `• ${shown} – Age: 7${below}`,
    );
    expect(format(`| Age | Name |\n|---|---|\n| 7 | ${markdown} |${note}`)).toBe(
      `• 7 – Name: ${shown}${below}`,
    );
  });

  it('a table keeps the addresses in its header, also without rows', () => {
    const header = '| [Name](https://x.de/n) | [Age](https://x.de/a) |\n|---|---|';
    expect(format(`${header}\n| Ann | 7 |`)).toBe('• Name (https://x.de/n): Ann – Age (https://x.de/a): 7');
    expect(format(header)).toBe('• Name (https://x.de/n) – Age (https://x.de/a)');
  });

  it('a wide table becomes one line a row', () => {
    const table =
      '| Dish | Where | Why |\n|---|---|---|\n| **Soup** | the place at the corner | warm |\n| Rice | at home in the kitchen | |';
    expect(format(table)).toBe(
      lines('• *Soup* – Where: the place at the corner; Why: warm', '• Rice – Where: at home in the kitchen'),
    );
  });

  it('a code block keeps its text but loses the language, which a phone would show', () => {
    expect(format('```js\nconst a = **b** && "&amp;"; // _x_ \\*\n\n# no\n```\nend')).toBe(
      '```\nconst a = **b** && "&amp;"; // _x_ \\*\n\n# no\n```\nend',
    );
    expect(format('~~~\na\n~~~')).toBe('```\na\n```');
  });

  it('an answer directly below a quotation does not become part of it', () => {
    expect(format('> question\nanswer')).toBe('> question\nanswer');
  });
});

describe('WhatsApp’s own formatting stays unchanged', () => {
  it.each([
    '*bold* _italic_ ~gone~ `code`',
    '*Shopping*\n- milk\n- *bread*\n\n1. first\n2. second',
    '*Researcher:* hello',
    'Andy: hello *you*',
    '> quoted\nanswer\n\n```\ncode *here*\n```',
    'https://x.de/a_b_c?x=1&y=2 and 5 * 3 * 2 = 30, snake_case_name, a < b > c',
    '¡Hola! 😀 #hashtag @49123 50% ~5 min, C:\\Users\\ann',
    'a\n\n\nb',
    '• one\n• two',
  ])('%j', (text) => {
    expect(format(text)).toBe(text);
  });
});

const word = fc.stringMatching(/^[a-zäöü]{1,8}$/);
const words = fc.array(word, { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));
const span = fc.oneof(
  words,
  words.map((text) => `**${text}**`),
  words.map((text) => `*${text}*`),
  words.map((text) => `_${text}_`),
  words.map((text) => `~~${text}~~`),
  words.map((text) => `\`${text} **x**\``),
  words.map((text) => `[${text}](https://example.org/${text.replaceAll(' ', '_')})`),
);
const line = fc.array(span, { minLength: 1, maxLength: 4 }).map((list) => list.join(' '));
const list = (mark: (n: number) => string) =>
  fc
    .array(line, { minLength: 1, maxLength: 4 })
    .map((all) => all.map((text, n) => mark(n) + text).join('\n'));
const block = fc.oneof(
  line,
  line.map((text) => `## ${text}`),
  list(() => '* '),
  list((n) => `${n + 1}. `),
  list(() => '> '),
  fc.tuple(line, line).map(([outer, inner]) => `- ${outer}\n    - ${inner}`),
  line.map((text) => `\`\`\`ts\n${text}\n\`\`\``),
  fc.tuple(words, words).map(([a, b]) => `| ${a} | ${b} |\n|---|---|\n| ${b} | ${a} |`),
  fc.constant('---'),
);
const document = fc.array(block, { maxLength: 6 }).map((all) => all.join('\n\n'));

describe('formatted text', () => {
  it('is not changed when it is formatted again', () => {
    fc.assert(
      fc.property(document, (text) => {
        const once = format(text);
        expect(format(once)).toBe(once);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps every word', () => {
    const wordsIn = (text: string): string[] => text.match(/[a-zäöü]+/g) ?? [];
    fc.assert(
      fc.property(document, (text) => {
        const shown = new Set(wordsIn(format(text)));
        const words = wordsIn(text.replaceAll('```ts', '```'));
        expect(words.filter((each) => !shown.has(each))).toEqual([]);
      }),
    );
  });

  it('is made without an error, even from hostile texts', () => {
    fc.assert(fc.property(fc.string({ maxLength: 400, unit: 'grapheme' }), (text) => void format(text)));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'*_~`[]()<>#|-+\n \\&!a1.:'), { maxLength: 200 }), (marks) => {
        void format(marks.join(''));
      }),
    );
    expect(format('>'.repeat(4_000))).toBe('>'.repeat(4_000));
  });
});
