import type { ChatLine, LineChange } from '../simulator.ts';

const KILO = 1_000;

/** What a line says in a terminal: its words, and what a phone would show as a picture. */
export function lineInWords(line: ChatLine): string {
  const { media } = line;
  if (media === undefined) return line.text;
  const name = media.fileName ?? media.kind;
  const file = `📎 ${name} (${media.mimeType}, ${sizeInWords(media.bytes)})`;
  return media.caption === undefined ? file : `${file}\n${media.caption}`;
}

/** What became of a line, said by `name`. */
export function changeInWords({ change, by, line }: LineChange, name: string): string {
  const what = line.text.split('\n', 1)[0] ?? '';
  const shown =
    what === '' ? 'the message' : `“${what.length > 40 ? `${[...what].slice(0, 39).join('')}…` : what}”`;
  switch (change) {
    case 'edited':
      return `${name} edited: ${line.text}`;
    case 'removed':
      return `${name} deleted a message`;
    case 'reaction': {
      const emoji = line.reactions?.find(({ from }) => from === by)?.emoji;
      return emoji === undefined ? `${name} took a reaction back` : `${emoji} ${name} on ${shown}`;
    }
  }
}

function sizeInWords(bytes: number): string {
  if (bytes < KILO) return `${bytes} bytes`;
  const kilo = bytes / KILO;
  return kilo < KILO ? `${Math.round(kilo)} kB` : `${(kilo / KILO).toFixed(1)} MB`;
}
