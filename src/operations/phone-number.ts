import { asSeen } from '../protocol/trigger.ts';

/** Country codes begin with 1 to 9; the shortest numbers in use have 7 digits, the longest 15 (E.164). */
const SHAPE = /^[1-9]\d{6,14}$/;

/**
 * Reads a phone number as people write it: digits with the country code, with or without a plus and spaces.
 * @returns its digits, or undefined when it is none
 */
export function phoneDigits(text: string): string | undefined {
  const digits = asSeen(text).replace(/^\+/, '').replaceAll(' ', '');
  return SHAPE.test(digits) ? digits : undefined;
}

/** What to write instead of what was no phone number. */
export const PHONE_NUMBER_WANTED =
  'Write the number with its country code and without leading zeros, for example: +49 151 23456789';
