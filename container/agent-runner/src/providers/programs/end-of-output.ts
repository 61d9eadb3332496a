/**
 * The end of what a program wrote, from the beginning of a word on: the host takes secrets out of an error,
 * and could not recognize half of one.
 * @param most characters
 */
export function endOfOutput(output: string, most: number): string {
  if (output.length <= most) return output;
  return output.slice(-most).replace(/^\S*\s/, '');
}
