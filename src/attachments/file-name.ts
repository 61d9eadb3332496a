import { cutText } from '../protocol/graphemes.ts';

/** A name stays far below what file systems take, in bytes too: a letter may have four. */
const LONGEST_SLUG = 40;

/** What is left of a claimed name when it is made safe: letters, digits, - and _. Empty when nothing is. */
function slug(claimed: string): string {
  const stem = claimed.normalize('NFC').replace(/\.[^.]*$/, '');
  const safe = stem.replace(/[^\p{L}\p{M}\p{N}_]+/gu, '-').replace(/^[-_]+/, '');
  return cutText(safe, LONGEST_SLUG).replace(/[-_]+$/, '');
}

/**
 * The name that a file is kept under, like `2026-11-24-3f9c2a10-invoice.pdf`. It begins with a digit, and nothing of what the sender
 * claims decides its extension.
 * @param at milliseconds since the epoch
 * @param id of which the last eight characters make the name one of its own
 * @param claimed the sender's name for it, or its kind
 * @param extension without a dot
 */
export function attachmentName(at: number, id: string, claimed: string, extension: string): string {
  const parts = [new Date(at).toISOString().slice(0, 10), id.slice(-8), slug(claimed)];
  return `${parts.filter((part) => part !== '').join('-')}.${extension}`;
}
