/** The code of a system's or SQLite's error, or an empty string. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Conditions of the machine that pass: what met them stays where it is and is tried again. */
const PASSING: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EIO',
  'EROFS',
  'ESTALE',
]);

/** SQLite's errors that are about the request and not about the machine: they come back at each try. */
const LASTING_SQLITE = ['SQLITE_CONSTRAINT', 'SQLITE_TOOBIG', 'SQLITE_MISMATCH', 'SQLITE_ERROR'];

/** Whether trying again later may heal it: a full disk, no descriptors, a busy or unwritable database. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  if (code.startsWith('SQLITE_')) return !LASTING_SQLITE.some((lasting) => code.startsWith(lasting));
  return PASSING.has(code);
}

/** What to do where a database's file could not be read or written just now, though what is in it may be sound; undefined: that is not it. */
export function cureOfDisk(error: unknown): string | undefined {
  if (!/^SQLITE_(?:FULL|IOERR(?!_SHORT_READ|_DATA|_CORRUPTFS))/.test(codeOf(error))) return undefined;
  return 'The file itself may be sound: make room on its disk, or see what the system says of that disk (dmesg), and start again.';
}

/** Whether it holds for an error or for one of its causes. */
export function isBehind(error: unknown, holds: (error: Error) => boolean): boolean {
  for (let one = error; one instanceof Error; one = one.cause) if (holds(one)) return true;
  return false;
}
