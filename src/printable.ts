/** Marks that change the direction of the text after them: a name could be shown as another one. */
const DIRECTION = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;

/**
 * A text on one line, without what a terminal would obey. Members name their groups, agents write prompts and name files, and an
 * operator reads all of it.
 */
export function printable(text: string): string {
  return text.replace(DIRECTION, '').replace(CONTROL, ' ');
}

const CONTROL_IN_LINES = /[^\P{Cc}\t\n]+/gu;

/** The same of several lines: line breaks and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(DIRECTION, '').replace(CONTROL_IN_LINES, ' ');
}
