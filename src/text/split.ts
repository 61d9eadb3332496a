import { boundaryBefore } from '../protocol/graphemes.ts';

/** What a phone shows well in one piece, in UTF-16 units: below WhatsApp's own 4,096, so that a name fits before it. */
export const PART_LENGTH = 4_000;

/** Nobody reads more than this many messages in a row; what goes beyond is left out, and the last part says so. */
export const MOST_PARTS = 20;

export interface SplitLimits {
  /** The most UTF-16 units of a part; at least 200. */
  readonly length: number;
  readonly parts: number;
}

const LIMITS: SplitLimits = { length: PART_LENGTH, parts: MOST_PARTS };

/** A fence, its marks and what names the language behind them. Longer marks are no code of anybody's. */
const FENCE = /^ {0,3}(`{3,20}|~{3,20})([^`\n]*)$/;
/** A language's name that is longer is not repeated. */
const LONGEST_INFO = 20;
/** Of the whole text a cut is looked for behind this share of a part only: parts shall be few. */
const LEAST_SHARE = 1 / 3;
const SENTENCE_END = /[.!?…。！？]["'”’»)\]*_~]*\s(?![\p{M}\u200d])/gu;
const WORD_END = /\s(?![\p{M}\u200d])/gu;

interface Fence {
  readonly marks: string;
  readonly info: string;
}

interface Cut {
  /** The part ends here. */
  readonly end: number;
  /** The next one begins here. */
  readonly next: number;
  /** The fence that the cut goes through. */
  readonly fence: Fence | undefined;
}

/**
 * Cuts a text into what is sent as one message each: between paragraphs where that can be, else between lines, sentences,
 * words, and never inside a character. Code that is cut is fenced in both parts.
 * @returns at least one part; the text itself if it fits
 */
export function splitText(text: string, limits: SplitLimits = LIMITS): readonly string[] {
  let rest = text.replaceAll('\r\n', '\n').trim();
  const parts: string[] = [];
  while (rest.length > limits.length) {
    const isLast = parts.length === limits.parts - 1;
    const note = isLast ? leftOut(rest.length) : '';
    const cut = findCut(rest, limits.length - note.length);
    const closing = cut.fence === undefined ? '' : `\n${cut.fence.marks}`;
    const part = rest.slice(0, cut.end) + closing;
    if (isLast) return [...parts, part + leftOut(rest.length - cut.end)];
    if (part !== '') parts.push(part);
    const opening = cut.fence === undefined ? '' : `${cut.fence.marks}${cut.fence.info}\n`;
    rest = opening + rest.slice(cut.next);
  }
  return rest === '' && parts.length > 0 ? parts : [...parts, rest];
}

function leftOut(length: number): string {
  return `\n\n✂️ ${length.toLocaleString('en')} more characters are left out here. Ask me for the rest, or for a file.`;
}

/** @param room how long the part may be, a closing fence included */
function findCut(text: string, room: number): Cut {
  const least = Math.floor(room * LEAST_SHARE);
  return cutBetweenLines(text, room, least) ?? cutInLine(text, room, least);
}

/** The last empty line outside of code, else the last line's end outside of code, else one in code. */
function cutBetweenLines(text: string, room: number, least: number): Cut | undefined {
  let paragraph: number | undefined;
  let line: number | undefined;
  let inCode: Cut | undefined;
  let fence: Fence | undefined;
  for (let start = 0; start <= room; ) {
    const newline = text.indexOf('\n', start);
    if (newline < 0 || newline > room) break;
    const before = fence;
    fence = fenceAfter(fence, text.slice(start, newline));
    const follows = text.slice(newline + 1, newline + 2);
    if (newline >= least) {
      if (fence === undefined) {
        line = newline;
        if (follows === '\n') paragraph = newline;
      } else if (before !== undefined && newline + fence.marks.length + 1 <= room) {
        inCode = { end: newline, next: newline + 1, fence };
      }
    }
    start = newline + 1;
  }
  const outside = paragraph ?? line;
  if (outside === undefined) return inCode;
  return outsideOfCode(text, outside);
}

function outsideOfCode(text: string, at: number): Cut {
  const end = text.slice(0, at).trimEnd().length;
  // Empty lines go, the indentation of the line behind them stays.
  const blanks = text.charAt(at) === '\n' ? /^\s*\n/ : /^\s+/;
  const gap = blanks.exec(text.slice(at))?.[0].length ?? 0;
  return { end, next: at + gap, fence: undefined };
}

/** One line is longer than a part. */
function cutInLine(text: string, room: number, least: number): Cut {
  const fence = openFence(text.slice(0, room));
  if (fence !== undefined) {
    // Blanks are part of the code: none is dropped.
    const at = boundaryBefore(text, room - fence.marks.length - 1);
    return { end: at, next: at, fence };
  }
  const window = text.slice(0, room + 1);
  const blank = lastMatch(window, SENTENCE_END, least) ?? lastMatch(window, WORD_END, least);
  if (blank !== undefined) return outsideOfCode(text, blank);
  const at = boundaryBefore(text, room);
  return { end: at, next: at, fence: undefined };
}

/** Where the last match's blank is, if that is behind `least`. */
function lastMatch(window: string, pattern: RegExp, least: number): number | undefined {
  let last: number | undefined;
  for (const match of window.matchAll(pattern)) last = match.index + match[0].length - 1;
  return last !== undefined && last >= least ? last : undefined;
}

function openFence(text: string): Fence | undefined {
  return text.split('\n').reduce(fenceAfter, undefined as Fence | undefined);
}

/** The fence that is open behind a line. */
function fenceAfter(open: Fence | undefined, line: string): Fence | undefined {
  const [, marks, info = ''] = FENCE.exec(line) ?? [];
  if (marks === undefined) return open;
  if (open === undefined) return { marks, info: info.length > LONGEST_INFO ? '' : info.trimEnd() };
  const closes = marks.startsWith(open.marks) && info.trim() === '';
  return closes ? undefined : open;
}
