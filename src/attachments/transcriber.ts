import { cutText } from '../protocol/graphemes.ts';

/** Makes words of a voice note. */
export interface Transcriber {
  /**
   * @param file its path on this machine
   * @throws when there are none to be had; the message says why
   */
  transcribe(file: string, signal: AbortSignal): Promise<string>;
}

/** A prompt has room for other things too. In characters. */
export const LONGEST_TRANSCRIPT = 20_000;

/** @throws when nothing was said */
export function cleanTranscript(text: string): string {
  const clean = cutText(text.trim(), LONGEST_TRANSCRIPT);
  if (clean === '') throw new Error('the transcriber found no words');
  return clean;
}
