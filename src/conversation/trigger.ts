/** Whether a text calls the assistant. */

const SPECIAL = /[.*+?^${}()|[\]\\]/g;

/**
 * @param trigger what the text must begin with after trimming, in any case, followed by its end or by a character that is no
 *   letter, digit or underscore (in Unicode: `\b` fails for `@Zoë`)
 */
export function callsAssistant(text: string, trigger: string): boolean {
  const word = trigger.trim().normalize('NFC').replace(SPECIAL, String.raw`\$&`);
  if (word === '') return false;
  return new RegExp(`^${word}(?![\\p{L}\\p{N}_])`, 'iu').test(text.trim().normalize('NFC'));
}
