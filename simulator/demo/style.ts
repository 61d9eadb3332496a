import { styleText } from 'node:util';

/** Colours and widths of the demo's screen. */

export const dim = (text: string): string => styleText('dim', text);
export const bold = (text: string): string => styleText('bold', text);

const NAME_COLOURS = ['cyan', 'magenta', 'yellow', 'blue'] as const;

/** A name in the colour that it always has. */
export function colouredName(name: string, who: 'assistant' | 'you' | 'other'): string {
  if (who === 'assistant') return styleText(['bold', 'green'], name);
  if (who === 'you') return bold(name);
  const sum = [...name].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return styleText(NAME_COLOURS[sum % NAME_COLOURS.length] ?? 'cyan', name);
}

/** `14:05:09`, in the machine's own zone. */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** Breaks a text at spaces so that no line is longer than `width`; a word that is longer is cut. */
export function wrap(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(width, 20)));
}

function wrapLine(line: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    // Never between the halves of a character.
    const cut = space > 0 ? space : width - (/[\uD800-\uDBFF]/.test(rest.charAt(width - 1)) ? 1 : 0);
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}
