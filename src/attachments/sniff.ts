import { fileTypeFromFile } from 'file-type';
import { isText } from '../is-text.ts';

/** What a file is, by its bytes. */
export interface FoundType {
  readonly mimeType: string;
  /** Without a dot. */
  readonly extension: string;
}

const SAFE_EXTENSION = /^[a-z0-9]{1,10}$/i;

/**
 * Looks at the bytes; what the sender claims does not count. Text is text, whatever language it is written in.
 * @throws the system's errors
 */
export async function sniff(file: string): Promise<FoundType> {
  // A file that breaks off where its format goes on is no error of this machine.
  const found = await fileTypeFromFile(file).catch(() => undefined);
  if (found !== undefined && SAFE_EXTENSION.test(found.ext)) {
    return { mimeType: found.mime, extension: found.ext };
  }
  return (await isText(file))
    ? { mimeType: 'text/plain', extension: 'txt' }
    : { mimeType: 'application/octet-stream', extension: 'bin' };
}
