import { pino } from 'pino';
import type { Log } from '../../src/log.ts';

/** A log that says nothing. */
export const silentLog: Log = pino({ level: 'silent' });

/** A log that remembers its messages. */
export function rememberingLog(): { readonly log: Log; readonly lines: { level: number; msg: string }[] } {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}
