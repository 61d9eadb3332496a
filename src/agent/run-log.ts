import { constants, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { withCleanUp } from '../clean-up.ts';
import { printableLines } from '../printable.ts';
import { shellWord } from '../shell-word.ts';
import type { ExitReason } from './agent.ts';
import { ensureDirectory } from './directories.ts';
import { type Mount, mountInWords } from './mounts.ts';

/** A group keeps the logs of this many runs. */
const KEPT_LOGS = 50;
const LOG_NAME = /^container-[0-9TZ.-]+-[A-Za-z0-9]+\.log$/;

/** What a run's log tells. Nothing in it may hold a key. */
export interface RunRecord {
  readonly name: string;
  readonly runtime: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly reason: ExitReason;
  readonly exitCode: number | undefined;
  readonly error: string | undefined;
  readonly frames: readonly string[];
  readonly mounts: readonly Mount[];
  readonly promptLength: number;
  /** What only a log at debug holds, people's words being in it; undefined: not to be kept. */
  readonly details: { readonly input: string; readonly command: readonly string[] } | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function format(record: RunRecord): string {
  return [
    `Container: ${record.name}`,
    `Sandbox: ${record.runtime}`,
    `Started: ${new Date(record.startedAt).toISOString()}`,
    `Exit reason: ${record.reason}`,
    `Exit code: ${record.exitCode ?? 'none'}`,
    `Error: ${record.error ?? 'none'}`,
    `Duration: ${record.durationMs} ms`,
    `Prompt length: ${record.promptLength} characters`,
    '',
    '== Mounts ==',
    ...record.mounts.map(mountInWords),
    '',
    '== Frames ==',
    ...record.frames,
    ...(record.details === undefined
      ? []
      : ['', '== Command ==', commandLines(record.details.command), '', '== Input ==', record.details.input]),
    '',
    '== Stdout outside frames ==',
    record.stdout.trimEnd(),
    '',
    '== Stderr ==',
    record.stderr.trimEnd(),
    '',
  ].join('\n');
}

/** A command as a shell takes it: an option a line, with its values. */
function commandLines(command: readonly string[]): string {
  const words = command.map(shellWord);
  return words.reduce((line, word) => line + (word.startsWith('-') ? ' \\\n  ' : ' ') + word);
}

/**
 * Writes `container-<time>-<id>.log` and removes the group's oldest logs. A link in the directory is never followed.
 * @param directory `groups/<folder>/logs`, read-only inside the sandbox
 * @returns the file's name
 */
export async function writeRunLog(directory: string, id: string, record: RunRecord): Promise<string> {
  await ensureDirectory(directory);
  const time = new Date(record.startedAt).toISOString().replaceAll(':', '-');
  const name = `container-${time}-${id}.log`;
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(join(directory, name), O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
  await withCleanUp(
    async () => {
      await file.writeFile(printableLines(format(record)));
      // Whatever the umask is, the group's agent reads its own logs.
      await file.chmod(0o644);
    },
    () => file.close(),
  );
  // The log is there, whether old ones can be removed or not.
  await pruneRunLogs(directory, name).catch(() => undefined);
  return name;
}

/** @param newest the one that was just written */
async function pruneRunLogs(directory: string, newest: string): Promise<void> {
  const logs = (await readdir(directory)).filter((name) => LOG_NAME.test(name)).sort();
  for (const name of oldestFirst(logs, newest).slice(0, -KEPT_LOGS)) await unlink(join(directory, name));
}

/**
 * What bears a later time than the newest was written by a clock that was ahead: it is older than all that came since.
 * @param names sorted
 */
export function oldestFirst(names: readonly string[], newest: string): readonly string[] {
  return [...names.filter((name) => name > newest), ...names.filter((name) => name <= newest)];
}
