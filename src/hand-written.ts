/**
 * The text of a file that people edit: editors on Windows put a byte order mark before it, or write UTF-16.
 * @param file its path, for the error
 * @throws Error for UTF-16, with the command that converts the file
 */
export function handWritten(bytes: Buffer, file: string): string {
  const encoding = utf16Of(bytes);
  // The decoder takes the mark off.
  if (encoding === undefined) return new TextDecoder().decode(bytes);
  const command = `iconv -f ${encoding} -t UTF-8 ${file} > ${file}.new && mv ${file}.new ${file}`;
  throw new Error(`it is UTF-16, not UTF-8. Convert it: ${command}`);
}

/** The name by which iconv knows the encoding; undefined for UTF-8. */
function utf16Of(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return 'UTF-16';
  if (first === 0) return 'UTF-16BE';
  return second === 0 ? 'UTF-16LE' : undefined;
}
