import { graphemes } from './graphemes.ts';

/**
 * How people write names: in any case, full-width, with marks that cannot be seen, in scripts without spaces.
 */

/**
 * A character that cannot be seen: marks of direction, joiners, selectors, a byte order mark, the Braille
 * blank.
 */
const MARKS = String.raw`\p{Default_Ignorable_Code_Point}\p{Cf}\u2800`;
// Each character is matched in one way: else a long row of them would take exponential time.
const INVISIBLE = String.raw`(?:[${MARKS}]|(?!\s)\p{Cc})`;
const INVISIBLE_CHARACTERS = new RegExp(INVISIBLE, 'gu');
const INVISIBLE_START = new RegExp(`^${INVISIBLE}+`, 'u');
const BLANK = String.raw`[\s${MARKS}\p{Cc}]`;
const BLANK_START = new RegExp(`^${BLANK}+`, 'u');
// Begun at the first blank of a row only: else a long row within a text would take quadratic time.
const BLANK_END = new RegExp(`(?<!${BLANK})${BLANK}+$`, 'u');

/** What goes on with a name. */
const WORD = String.raw`[\p{L}\p{M}\p{N}_]`;
const WORD_START = new RegExp(`^${WORD}`, 'u');
const WORD_END = new RegExp(`${WORD}$`, 'u');
const UNSPACED_SCRIPTS = [
  ...['Han', 'Hiragana', 'Katakana', 'Bopomofo', 'Yi', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Tibetan'],
  ...['Javanese', 'Balinese', 'Tai_Le', 'New_Tai_Lue', 'Tai_Tham', 'Tai_Viet', 'Ahom'],
];
/** A letter of a script that is written without spaces, as a class of a regular expression. */
export const UNSPACED_LETTER = `[${UNSPACED_SCRIPTS.map((name) => `\\p{scx=${name}}`).join('')}]`;
const UNSPACED = new RegExp(UNSPACED_LETTER, 'u');
const HANGUL = /\p{Script=Hangul}/u;
/** What Korean appends to a name: a title, and the particle of the name's place in the sentence. */
const HANGUL_PARTICLES = new RegExp(
  `^(?:님|씨)?(?:이?야|아|은|는|이|가|을|를|도|의|께|에게|한테|와|과|이?랑|만)?(?!${WORD})`,
  'u',
);

/** A mention of one person, and what stands between it and the next word. */
const MENTION = /^[@＠][^\s,，、،;&+]+[\s,，、،;&+]+/u;
/** In UTF-16 units: more, with what cannot be seen in it, is no trigger. */
const LONGEST_TRIGGER = 2_000;
/** More stand before no trigger. */
const MOST_MENTIONS = 100;
/** In UTF-16 units, the letters in parts included. */
const LONGEST_PARTICLES = 20;

/**
 * A text as a person sees it: without what cannot be seen, full-width letters as the ordinary ones, trimmed.
 */
export function asSeen(text: string): string {
  return text.normalize('NFKC').replace(INVISIBLE_CHARACTERS, '').trim();
}

/** A name in the form in which two are compared: as it is seen, in any case; the Turkish i's are one. */
export function comparable(name: string): string {
  return fold(asSeen(name)).trim();
}

/** A text without the blanks around it, those that cannot be seen included. */
export function trimmed(text: string): string {
  return text.replace(BLANK_START, '').replace(BLANK_END, '');
}

function fold(text: string): string {
  const visible = text.normalize('NFKC').replace(INVISIBLE_CHARACTERS, '');
  // Upper case first: it makes one letter of σ and ς, of i and ı, and two of ß.
  return visible.toUpperCase().toLowerCase().normalize('NFKC').replaceAll('i\u0307', 'i');
}

/**
 * What follows a trigger that a text begins with. The trigger ends where a character ends that is followed by
 * no letter, mark, digit or underscore; in a script without spaces, or behind a sign, where the name ends.
 * @returns the rest of the text as it is written; undefined: the text does not begin with the trigger
 */
export function afterTrigger(text: string, trigger: string): string | undefined {
  const wanted = [...graphemes.segment(trimmed(trigger))].map(({ segment }) => fold(segment)).join('');
  if (wanted === '') return undefined;
  const start = text.replace(BLANK_START, '');
  let found = '';
  for (const { segment, index } of graphemes.segment(start.slice(0, LONGEST_TRIGGER))) {
    found += fold(segment);
    if (found === wanted) {
      const rest = start.slice(index + segment.length);
      return endsName(wanted, rest.replace(INVISIBLE_START, '')) ? rest : undefined;
    }
    if (!wanted.startsWith(found)) return undefined;
  }
  return undefined;
}

/** What follows a trigger that a text begins with, or that stands behind mentions of others. @returns as `afterTrigger` */
export function afterMentions(text: string, trigger: string): string | undefined {
  let rest = text;
  for (let mentions = 0; mentions <= MOST_MENTIONS; mentions++) {
    const found = afterTrigger(rest, trigger);
    if (found !== undefined) return found;
    const start = rest.replace(BLANK_START, '');
    const length = start.match(MENTION)?.[0].length;
    if (length === undefined) return undefined;
    rest = start.slice(length);
  }
  return undefined;
}

/**
 * @param name in its comparable form
 * @param rest what follows it, from its first character that is seen on
 */
function endsName(name: string, rest: string): boolean {
  const next = rest.match(WORD_START)?.[0];
  if (next === undefined) return true;
  if (next === '_' || /\p{M}/u.test(next)) return false;
  // A sign, as in `!weather`, goes on with no letter.
  if (!WORD_END.test(name)) return true;
  const last = name.match(/.$/u)?.[0] ?? '';
  if (UNSPACED.test(next) || UNSPACED.test(last)) return true;
  if (!HANGUL.test(next)) return false;
  return !HANGUL.test(last) || HANGUL_PARTICLES.test(rest.slice(0, LONGEST_PARTICLES).normalize('NFC'));
}
