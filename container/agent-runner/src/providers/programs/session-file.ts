import { open, stat, truncate } from 'node:fs/promises';

const NEWLINE = 0x0a;

/**
 * Where a turn that was answered leaves a session's file, which only grows: to resume at.
 * @returns undefined for a file that is gone: an operator clears sessions while turns run
 */
export async function endOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return String((await stat(file)).size);
  } catch (error) {
    process.stderr.write(`The end of the session is not known: ${String(error)}\n`);
    return undefined;
  }
}

/**
 * Takes out of a session's file what a turn that was given up has written: its prompt would be sent again with each later one.
 * Must not be called while the program runs. A file that has no line ending there is left as it is.
 * @param place as from `endOf`; undefined: the whole file belongs to the session
 */
export async function rewindTo(file: string | undefined, place: string | undefined): Promise<void> {
  if (file === undefined || place === undefined || !/^[1-9]\d*$/.test(place)) return;
  const end = Number(place);
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, end - 1);
    if (bytesRead < 2 || buffer[0] !== NEWLINE) return;
  } finally {
    await handle.close();
  }
  await truncate(file, end);
}
