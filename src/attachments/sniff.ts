import { open } from 'node:fs/promises';
import { fileTypeFromFile } from 'file-type';

/** What a file is, by its bytes. */
export interface FoundType {
  readonly mimeType: string;
  /** Without a dot. */
  readonly extension: string;
}

const SAMPLE_BYTES = 4_096;
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

async function isText(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    const sample = buffer.subarray(0, bytesRead);
    if (sample.includes(0)) return false;
    // As a stream: the sample may end within a letter.
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true });
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  } finally {
    await handle.close();
  }
}
