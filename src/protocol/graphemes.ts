/** Characters as people see them: texts are cut and compared by these, never by UTF-16 units. */
export const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The last boundary between two characters at or before an index; in an endless character, between two code
 * points.
 * @param at an index into the text, in UTF-16 units
 */
export function boundaryBefore(text: string, at: number): number {
  const start = graphemes.segment(text.slice(0, at + 100)).containing(at)?.index ?? at;
  if (start > at / 2) return start;
  const isPairCut = /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));
  return isPairCut ? at - 1 : at;
}

/** The beginning of a text, of whole characters. @param most UTF-16 units */
export function cutText(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, boundaryBefore(text, most));
}

/**
 * The beginning of a text, with an ellipsis where it was cut.
 * @param most UTF-16 units, without the ellipsis
 */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${cutText(text, most)}…`;
}

/**
 * For `JSON.parse` and `JSON.stringify`: half a surrogate pair, which JSON can carry as an escape, becomes
 * U+FFFD. A model's API refuses a request that holds one, and so every later request of that session.
 */
export function wellFormed(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** A copy of plain data (texts, numbers, lists and records of them) all of whose texts are well-formed. */
export function withWellFormedTexts<Data>(data: Data): Data {
  if (typeof data === 'string') return data.toWellFormed() as Data;
  if (Array.isArray(data)) return data.map(withWellFormedTexts) as Data;
  if (typeof data !== 'object' || data === null) return data;
  const entries = Object.entries(data).map(([name, value]) => [name, withWellFormedTexts(value)]);
  return Object.fromEntries(entries) as Data;
}
