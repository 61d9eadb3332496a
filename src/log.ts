import { type Logger, multistream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { LogFile } from './log-file.ts';

/** Fields stand beside a stable message; no message text and no secret is ever logged at info. */
export type Log = Logger;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** Every event, one line of text each. */
  readonly file?: string | undefined;
  /** Warnings and above, likewise. */
  readonly errorFile?: string | undefined;
  /** Where a person watches. */
  readonly terminal?: (NodeJS.WritableStream & { readonly isTTY?: boolean }) | undefined;
}

export interface OpenLog {
  readonly log: Log;
  close(): void;
}

const MAX_LOG_BYTES = 20 * 1024 * 1024;

/** An error as one line: what it was, its code and where it came from. */
function oneLineError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  const frame = error.stack
    ?.split('\n')
    .find((line) => line.trimStart().startsWith('at '))
    ?.trim();
  const cause = error.cause === undefined ? '' : ` (because ${oneLineError(error.cause)})`;
  return `${error.name}: ${error.message}${code === undefined ? '' : ` [${code}]`}${cause}${frame === undefined ? '' : ` ${frame}`}`;
}

function formatter(colorize: boolean): (line: string) => string {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    errorLikeObjectKeys: [],
    translateTime: colorize ? 'SYS:HH:MM:ss' : 'UTC:yyyy-mm-dd"T"HH:MM:ss.l"Z"',
    ignore: 'pid,hostname,room',
    messageFormat: (entry, key) => {
      const message = String(entry[key]).replaceAll('\n', '\\n');
      return typeof entry.room === 'string' ? `[${entry.room}] ${message}` : message;
    },
  });
  return (line) => String(format(line));
}

/**
 * Opens the log. The files are written by the host itself, whoever started it.
 * A file that cannot be written is told on stderr once and never ends the host.
 */
export function openLog(options: LogOptions): OpenLog {
  const files: LogFile[] = [];
  const streams: { level: LogLevel; stream: { write(line: string): void } }[] = [];
  const plain = formatter(false);
  const addFile = (path: string, level: LogLevel): void => {
    const file = new LogFile(path, MAX_LOG_BYTES, (error) => {
      process.stderr.write(`cannot write the log ${path}: ${oneLineError(error)}\n`);
    });
    files.push(file);
    streams.push({ level, stream: { write: (line) => file.write(plain(line)) } });
  };
  if (options.file !== undefined) addFile(options.file, options.level);
  if (options.errorFile !== undefined) addFile(options.errorFile, 'warn');
  const { terminal } = options;
  if (terminal !== undefined) {
    const pretty = formatter(terminal.isTTY === true);
    streams.push({ level: options.level, stream: { write: (line) => void terminal.write(pretty(line)) } });
  }
  const log = pino(
    { level: options.level, serializers: { err: oneLineError, error: oneLineError } },
    multistream(streams),
  );
  return {
    log,
    close: () => {
      for (const file of files) file.close();
    },
  };
}
