/**
 * Names in a mailbox are bytes, and not every name is UTF-8. They are carried as latin1 strings, one character a byte:
 * lossless, and comparable like any string.
 */
export type RawName = string & { readonly raw: unique symbol };

/** A path whose last part is a raw name. */
export function rawPath(directory: string, name: RawName): Buffer {
  return Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);
}

/** For people and logs; bytes that are no UTF-8 show as U+FFFD. */
export function displayName(name: RawName): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}

/** Whether the host takes files of that name: hidden and temporary ones belong to their writers. */
export function isMailboxName(name: string): boolean {
  return name.endsWith('.json') && !name.startsWith('.');
}
