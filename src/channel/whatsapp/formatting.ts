import { Marked, type MarkedToken, type Token, type Tokens, type TokensList } from 'marked';
import { UNSPACED_LETTER } from '../../protocol/trigger.ts';
import { decodeEntities } from './html-entities.ts';
import { asLines, formatTable } from './table.ts';

/** A horizontal rule. */
const RULE = '──────────';

const markdown = new Marked({ gfm: true });

interface Style {
  /** Which mark `*words*` is: italic to whoever writes bold as `**words**`, and WhatsApp's own bold to everybody else. */
  readonly asterisk: '*' | '_';
  /** The words are bold already. */
  readonly inBold: boolean;
}

/**
 * Markdown ends no `**` between punctuation and a letter, and begins none the other way round: it counts on
 * spaces between words, which `**重要：**请注意` and `**"중요"**는` do not have. A character that is neither is put
 * between the two and removed from the result.
 */
const SEPARATOR = '\u{fdd0}';
const LETTER = String.raw`(?:${UNSPACED_LETTER}|\p{Script=Hangul})`;
const PUNCTUATION = String.raw`(?![\\*_~])[\p{P}\p{S}]`;
const EAST_ASIAN_PUNCTUATION = String.raw`(?=[\u3000-\u303f\uff00-\uffef])[\p{P}\p{S}]`;
const RUN = String.raw`(?:\*{2,3}|~~)`;
const BEHIND_PUNCTUATION = new RegExp(
  `(?:${PUNCTUATION}(?=${RUN}${LETTER})|${EAST_ASIAN_PUNCTUATION}(?=${RUN}[\\p{L}\\p{N}]))`,
  'gu',
);
const BEFORE_PUNCTUATION = new RegExp(
  `(?:(?<=${LETTER})${RUN}(?=${PUNCTUATION})|(?<=[\\p{L}\\p{N}])${RUN}(?=${EAST_ASIAN_PUNCTUATION}))`,
  'gu',
);

/**
 * Markdown in the marks that WhatsApp shows. What is written in those marks already stays as it is, and so does code.
 * Never throws: what cannot be read as Markdown is left as it is.
 */
export function formatForWhatsApp(text: string): string {
  try {
    const tokens = markdown.lexer(
      text
        .replace(BEHIND_PUNCTUATION, (written) => written + SEPARATOR)
        .replace(BEFORE_PUNCTUATION, (written) => written + SEPARATOR),
    );
    let strong = false;
    markdown.walkTokens(tokens, ({ type }) => {
      if (type === 'strong') strong = true;
    });
    return blocks(tokens, { asterisk: strong ? '_' : '*', inBold: false }).replaceAll(SEPARATOR, '');
  } catch {
    // Quotes nested a thousand deep end the parser's stack.
    return text;
  }
}

function blocks(tokens: readonly Token[] | TokensList, style: Style): string {
  return tokens.map((token) => block(token as MarkedToken, style)).join('');
}

function block(token: MarkedToken, style: Style): string {
  const end = /\n*$/.exec(token.raw)?.[0] ?? '';
  switch (token.type) {
    case 'heading':
      return heading(token, style) + end;
    case 'paragraph':
    case 'text':
      return inline(token.tokens ?? [], style, decodeEntities(token.text)) + end;
    case 'list':
      return list(token, style) + end;
    case 'blockquote':
      return quotation(token.raw.trimEnd(), style) + end;
    case 'code':
      return code(token) + end;
    case 'hr':
      return RULE + end;
    case 'table':
      return table(token, style) + end;
    case 'def':
      return `[${token.tag}] ${token.href}${end}`;
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ ';
    case 'html':
      return decodeEntities(token.raw.replace(/<br *\/?>/gi, '\n'));
    default:
      return token.raw;
  }
}

function heading(token: Tokens.Heading, style: Style): string {
  const isUnderlined = !/^ {0,3}#/.test(token.raw);
  // In a chat a line of dashes is a rule more often than it makes a heading of what stands above it.
  if (isUnderlined && token.depth === 2) return `${inline(token.tokens, style)}\n${RULE}`;
  return marked('*', inline(token.tokens, { ...style, inBold: true }));
}

function code(token: Tokens.Code): string {
  if (token.codeBlockStyle === 'indented') return token.raw.trimEnd();
  // WhatsApp would show the language as the first line of the code.
  return `\`\`\`\n${token.text}\n\`\`\``;
}

function list(token: Tokens.List, style: Style): string {
  const first = typeof token.start === 'number' ? token.start : 1;
  const delimiter = /^\s*\d+\)/.test(token.raw) ? ')' : '.';
  const written = token.items.map((item) => Number.parseInt(item.raw.trimStart(), 10));
  // Markdown counts on from the first number, but who writes others means them: `3. Oktober`, `25. Dezember`.
  const counts = written.every((number) => number === first || Number.isNaN(number));
  const items = token.items.map((item, index) => {
    const mark = token.ordered ? `${counts ? first + index : written[index]}${delimiter} ` : '- ';
    const text = blocks(item.tokens, style).trimEnd();
    const gap = index === token.items.length - 1 ? '' : /\n\s*\n$/.test(item.raw) ? '\n\n' : '\n';
    return mark + text.replace(/\n(?!\n|$)/g, `\n${' '.repeat(mark.length)}`) + gap;
  });
  return items.join('');
}

/** Only the lines that are marked are quoted: who answers below a quotation leaves no empty line before the answer. */
function quotation(raw: string, style: Style): string {
  const lines = raw.split('\n');
  const marks = lines.findIndex((line) => !/^ {0,3}>/.test(line));
  const own = marks < 0 ? lines : lines.slice(0, marks);
  const quoted = blocks(markdown.lexer(own.map((line) => line.replace(/^ {0,3}> ?/, '')).join('\n')), style);
  const shown = quoted.split('\n').map((line) => `> ${line}`.trimEnd());
  const after = marks < 0 ? [] : [blocks(markdown.lexer(lines.slice(marks).join('\n')), style)];
  return [...shown, ...after].join('\n');
}

function table(token: Tokens.Table, style: Style): string {
  const cells = (row: readonly Tokens.TableCell[]) => row.map(({ tokens }) => inline(tokens, style));
  const marks = { header: cells(token.header), rows: token.rows.map(cells) };
  // Where letters have a fixed width no address can be tapped.
  const isLinked = [token.header, ...token.rows].some((row) => row.some(({ tokens }) => hasAddress(tokens)));
  if (isLinked) return asLines(marks);
  return formatTable(
    { header: token.header.map(plain), rows: token.rows.map((row) => row.map(plain)) },
    marks,
  );
}

function hasAddress(tokens: readonly Token[]): boolean {
  return tokens.some(
    (token) =>
      token.type === 'link' ||
      token.type === 'image' ||
      ('tokens' in token && hasAddress(token.tokens ?? [])),
  );
}

/** Without any mark: for a fixed width, where marks would be shown. */
function plain(cell: Tokens.TableCell): string {
  const words = (tokens: readonly Token[]): string =>
    tokens
      .map((token) =>
        'tokens' in token && token.tokens ? words(token.tokens) : 'text' in token ? token.text : '',
      )
      .join('');
  return decodeEntities(words(cell.tokens)).replace(/\s+/g, ' ').trim();
}

/** @param fallback of a block without words of its own */
function inline(tokens: readonly Token[], style: Style, fallback = ''): string {
  if (tokens.length === 0) return fallback;
  return tokens
    .map((token, index) => span(token as MarkedToken, style, tokens[index - 1]?.raw, tokens[index + 1]?.raw))
    .join('');
}

function span(token: MarkedToken, style: Style, before = '', after = ''): string {
  switch (token.type) {
    case 'text':
      // Not its `text`, in which some references are characters already.
      return token.tokens === undefined ? decodeEntities(token.raw) : inline(token.tokens, style);
    case 'escape':
      return token.text;
    case 'strong':
      if (isDunder(token, after)) return token.raw;
      if (style.inBold) return inline(token.tokens, style);
      return marked('*', inline(token.tokens, { ...style, inBold: true }));
    case 'em':
      return emphasis(token, style, isLetter(before.slice(-1)) && isLetter(after.slice(0, 1)));
    case 'del':
      return marked('~', inline(token.tokens, style));
    case 'br':
      return '\n';
    case 'html':
      return token.raw.replace(/^<br *\/?>$/i, '\n');
    case 'link':
      return link(token, style);
    case 'image':
      return withAddress(token.text, token.href);
    default:
      return token.raw;
  }
}

/** A name of Python's own: `__init__.py`, `__call__()`. */
function isDunder({ raw }: Tokens.Strong, after: string): boolean {
  return /^__\w+__$/.test(raw) && /^(?:\(|\[|\.\w)/.test(after);
}

function emphasis(token: Tokens.Em, style: Style, insideWord: boolean): string {
  if (token.raw.startsWith('_')) return marked('_', inline(token.tokens, style));
  // `2*3*4` is no emphasis.
  if (insideWord) return `*${inline(token.tokens, style)}*`;
  const isLabel = token.text.endsWith(':');
  const mark = isLabel ? '*' : style.asterisk;
  if (mark === '*' && style.inBold) return inline(token.tokens, style);
  return marked(mark, inline(token.tokens, { ...style, inBold: style.inBold || mark === '*' }));
}

function isLetter(character: string): boolean {
  return /[\p{L}\p{N}]/u.test(character);
}

function link(token: Tokens.Link, style: Style): string {
  if (token.raw.startsWith('<')) return token.text;
  if (!token.raw.startsWith('[')) return token.raw;
  const text = inline(token.tokens, style);
  const [, tag] = /\]\[([^\]]*)\]$/.exec(token.raw) ?? [];
  if (tag) return `${text} [${tag}]`;
  if (token.raw.endsWith(']')) return `[${text}]`;
  return withAddress(text, token.href);
}

/** Words and where they lead; the address alone where the words say the same. */
function withAddress(text: string, href: string): string {
  const same = [href, href.replace(/^(?:https?:\/\/|mailto:)/, ''), href.replace(/^https?:\/\/|\/$/g, '')];
  if (text.trim() === '' || same.includes(text)) return href.replace(/^mailto:/, '');
  return `${text} (${href.replace(/^mailto:/, '')})`;
}

/** WhatsApp's marks do not reach over the end of a line. */
function marked(mark: string, text: string): string {
  return text.replace(/[^\s].*/g, (line) => {
    const words = line.trimEnd();
    return mark + words + mark + line.slice(words.length);
  });
}
