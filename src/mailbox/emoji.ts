/** Unicode's properties of strings; no literal may have it at this language level. */
const SETS = 'v';

/** Emoji as Unicode recommends them, and single ones written without the selector that colours them. */
const EMOJI = new RegExp('^(?:\\p{RGI_Emoji}|\\p{Extended_Pictographic})$', SETS);

/** Whether a text is one emoji and nothing else. */
export function isEmoji(text: string): boolean {
  return EMOJI.test(text);
}
