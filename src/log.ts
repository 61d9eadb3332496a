import { type Logger, multistream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { withoutUsers } from './address-secrets.ts';
import { redactLine } from './debug-log.ts';
import { LogFile } from './log-file.ts';
import { isBehind, isPassing } from './machine-trouble.ts';
import { printable, printableLines } from './printable.ts';

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
  /** Everything, without secrets, phone numbers and texts: to be attached to a report. */
  readonly debugFile?: string | undefined;
  /** Where a person watches. */
  readonly terminal?: (NodeJS.WritableStream & { readonly isTTY?: boolean }) | undefined;
  /** What of it is shown there; absent: all that is in the file. */
  readonly terminalLevel?: LogLevel | undefined;
  /** Told once of each file that cannot be written; absent: stderr tells it. */
  readonly onFileFailure?: ((path: string, error: unknown) => void) | undefined;
}

export interface OpenLog {
  readonly log: Log;
  /** Calls `listener` after each event that tells of a passing trouble of the machine, such as a full disk. */
  onTrouble(listener: () => void): void;
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

/** Whether an event's fields hold an error that may heal by itself. */
function isOfMachine(fields: unknown): boolean {
  if (typeof fields !== 'object' || fields === null) return false;
  const { err, error = err } = fields as { readonly err?: unknown; readonly error?: unknown };
  return isBehind(error, isPassing);
}

function tellOnStderr(path: string, error: unknown): void {
  process.stderr.write(`cannot write the log ${path}: ${oneLineError(error)}\n`);
}

/** Stands in a log file where lines are missing. */
function gapLine(lines: number): string {
  const what = lines === 1 ? '1 line is' : `${lines} lines are`;
  return `[${new Date().toISOString()}] WARN: ${what} missing here: this file could not be written\n`;
}

/** The formatter's colours. The event's own control characters are gone from its message, and escaped in its fields. */
const COLOUR = new RegExp(`(${'\u001b'}\\[\\d+m)`);

function withoutControls(line: string): string {
  const parts = line.split(COLOUR);
  return parts.map((part, index) => (index % 2 === 0 ? printableLines(part) : part)).join('');
}

function formatter(colorize: boolean): (line: string) => string {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    errorLikeObjectKeys: [],
    translateTime: colorize ? 'SYS:HH:MM:ss' : 'UTC:yyyy-mm-dd"T"HH:MM:ss.l"Z"',
    ignore: 'pid,hostname,room',
    messageFormat: (entry, key) => {
      const message = printable(String(entry[key]).replaceAll('\n', '\\n'));
      return typeof entry.room === 'string' ? `[${entry.room}] ${message}` : message;
    },
  });
  return (line) => withoutUsers(withoutControls(String(format(line))));
}

/**
 * Opens the log. The files are written by the host itself, whoever started it.
 * A file that cannot be written is told once, on stderr as a rule, and never ends the host.
 */
export function openLog(options: LogOptions): OpenLog {
  const files: LogFile[] = [];
  const streams: { level: LogLevel; stream: { write(line: string): void } }[] = [];
  const plain = formatter(false);
  const addFile = (path: string, level: LogLevel, format = plain): void => {
    const onFailure = options.onFileFailure ?? tellOnStderr;
    const file = new LogFile(path, MAX_LOG_BYTES, (error) => onFailure(path, error), gapLine);
    files.push(file);
    streams.push({ level, stream: { write: (line) => file.write(format(line)) } });
  };
  if (options.file !== undefined) addFile(options.file, options.level);
  if (options.errorFile !== undefined) addFile(options.errorFile, 'warn');
  if (options.debugFile !== undefined) addFile(options.debugFile, 'trace', (line) => plain(redactLine(line)));
  const { terminal } = options;
  if (terminal !== undefined) {
    const pretty = formatter(terminal.isTTY === true);
    const level = options.terminalLevel ?? options.level;
    streams.push({ level, stream: { write: (line) => void terminal.write(pretty(line)) } });
  }
  let tellTrouble = (): void => undefined;
  const log = pino(
    {
      level: options.debugFile === undefined ? options.level : 'trace',
      serializers: { err: oneLineError, error: oneLineError },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args);
          const [fields] = args as readonly unknown[];
          if (isOfMachine(fields)) tellTrouble();
        },
      },
    },
    multistream(streams),
  );
  return {
    log,
    onTrouble: (listener) => {
      tellTrouble = listener;
    },
    close: () => {
      for (const file of files) file.close();
    },
  };
}
