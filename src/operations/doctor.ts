import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { relative } from 'node:path';
import { MINUTE } from '../clock.ts';
import { withOwner } from '../exists.ts';
import { codeOf } from '../machine-trouble.ts';
import type { Paths } from '../paths.ts';
import { damageIn, problemsIn, RESTORE } from '../store/database.ts';
import { lookAtDisks, troubleWords } from './disk.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly detail: string;
  /** What to do; undefined: nothing is wrong. Where it is `ok`, what could be better: a warning. */
  readonly cure: string | undefined;
}

/** What is known of the account; as the channel tells it. */
export type AccountSummary =
  | { readonly status: 'absent' | 'unpaired' }
  | { readonly status: 'paired'; readonly number: string; readonly name: string | undefined };

/** The host's process, if one runs, and the line as it saw it last. */
interface LineSeen {
  readonly hostPid: number | null;
  readonly line: string;
}

export interface Patient {
  readonly paths: Paths;
  /** As in `process.versions.node`. */
  readonly nodeVersion: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly timezone: string;
  /** Which agent would run, in words. Throws with the cure in its words. */
  readonly agent: () => string;
  /** Throws with the cure in its words. */
  readonly account: () => AccountSummary;
  /** The version of WhatsApp Web in words; `advice` where it may be too old to link an account. */
  readonly version: () => { readonly words: string; readonly advice: string | undefined };
  /** The line as the host saw it last, and the host's process, if one runs. */
  readonly line: () => LineSeen | Promise<LineSeen>;
  /** Tries a sandbox. Throws with the cure in its words. */
  readonly sandbox: () => Promise<readonly Finding[]>;
}

const OLDEST_NODE = [20, 19] as const;
/**
 * The first version of Node 24 whose headers make better-sqlite3 12 abort the process when a statement is collected
 * as garbage (nodejs/node#65446); no fixed 24 is known.
 */
const ABORTING_NODE_24 = 19;
const GIGABYTE = 1024 ** 3;
/** An image is built, sessions grow and logs rotate in what is free. */
const LEAST_FREE_BYTES = GIGABYTE;
/** A file that was written so much later than now was written by another clock. */
const CLOCK_SLACK_MS = 2 * MINUTE;

const well = (name: string, detail: string): Finding => ({ name, ok: true, detail, cure: undefined });
const ill = (name: string, detail: string, cure: string): Finding => ({ name, ok: false, detail, cure });

/** Looks at everything that the host needs, changing nothing that lasts. One finding a line; never rejects. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { paths, now } = patient;
  const looks: readonly (readonly [
    string,
    () => Finding | readonly Finding[] | Promise<Finding> | Promise<readonly Finding[]>,
  ])[] = [
    ['Node', () => lookAtNode(patient.nodeVersion)],
    ['folders', () => lookAtFolders(paths)],
    ['disk', () => lookAtDisk(paths)],
    ['clock', () => lookAtClock(paths.database, now, patient.timezone)],
    ['database', () => lookAtDatabase(paths.database)],
    ['agent', () => well('agent', patient.agent())],
    ['sandbox', () => patient.sandbox()],
    ['account', () => lookAtAccount(patient.account())],
    ['version', () => lookAtVersion(patient.version())],
    ['line', async () => lookAtLine(await patient.line())],
  ];
  const findings: Finding[] = [];
  for (const [name, look] of looks) {
    try {
      findings.push(...[await look()].flat());
    } catch (error) {
      const { path = paths.root } = error as NodeJS.ErrnoException;
      const told = withOwner(error, path);
      const [detail = '', ...rest] = (told instanceof Error ? told.message : String(told)).split('\n');
      findings.push(ill(name, detail, rest.join(' ') || 'What to do is in the words before this'));
    }
  }
  return findings;
}

/** A line for each finding, and one more for its cure. */
export function formatFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ name, ok, detail, cure }) => [
    `${ok ? (cure === undefined ? '✓' : '!') : '✗'} ${name}: ${detail}`,
    ...(cure === undefined ? [] : [`  → ${cure}`]),
  ]);
  const wrong = findings.filter(({ ok }) => !ok).length;
  return [...lines, wrong === 0 ? 'All is well.' : `${wrong} of ${findings.length} need a hand.`].join('\n');
}

function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least, leastMinor] = OLDEST_NODE;
  const isNew = major > least || (major === least && minor >= leastMinor);
  if (!isNew) return ill('Node', version, `Install Node ${OLDEST_NODE.join('.')} or newer`);
  return major === 24 && minor >= ABORTING_NODE_24
    ? ill(
        'Node',
        `${version}, on which the database aborts the host`,
        'Install Node 24.18 or 22, then: npm ci',
      )
    : well('Node', version);
}

/** Files are taken over by renames between these folders: they must be on one filesystem. */
async function lookAtFolders(paths: Paths): Promise<Finding> {
  const folders = [paths.root, paths.groups, paths.data, paths.store, paths.logs];
  const devices = new Map<number, string>();
  for (const folder of folders) {
    const seen = await stat(folder).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw withOwner(error, folder);
    });
    // What is not there yet is made by the first start.
    if (seen === undefined && folder !== paths.root) continue;
    const name = relative(paths.root, folder) || paths.root;
    if (seen === undefined)
      return ill('folders', `${name} does not exist`, 'Make it, or correct NANOCLAW_ROOT');
    const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
      () => true,
      // That a whole disk is read-only is told of the disk.
      (error: unknown) => codeOf(error) === 'EROFS',
    );
    if (!isWritable) {
      const command = seen.uid === 0 ? 'sudo' : `sudo -u '#${seen.uid}'`;
      const cure =
        seen.uid === process.getuid?.()
          ? `Make it writable: chmod u+rwx ${folder}`
          : `Run this as the user that owns it (uid ${seen.uid}): ${command} ./nanoclaw doctor. If another user runs the host, give it to that one: chown -R USER ${folder}`;
      return ill('folders', `${name} cannot be written to by this user`, cure);
    }
    devices.set(seen.dev, name);
  }
  return devices.size === 1
    ? well('folders', paths.root)
    : ill(
        'folders',
        `${[...devices.values()].join(', ')} are on different filesystems`,
        'Put the whole root on one: mount none of its folders from elsewhere',
      );
}

async function lookAtDisk(paths: Paths): Promise<Finding[]> {
  // That it is not there has been said.
  if (!(await stat(paths.root).catch(() => undefined))) return [];
  const troubles = await lookAtDisks(paths);
  if (troubles.length > 0) return troubles.map((trouble) => ill('disk', troubleWords(trouble), trouble.cure));
  const { bavail, bsize } = await statfs(paths.root);
  const free = bavail * bsize;
  const detail = `${(free / GIGABYTE).toFixed(1)} GB free`;
  return [
    free >= LEAST_FREE_BYTES
      ? well('disk', detail)
      : ill('disk', detail, 'Make room: a message that cannot be written to disk is not taken'),
  ];
}

async function lookAtClock(database: string, now: number, timezone: string): Promise<Finding> {
  const written = await stat(database).catch(() => undefined);
  const detail = `${new Date(now).toISOString()}, zone ${timezone}`;
  return written !== undefined && written.mtimeMs > now + CLOCK_SLACK_MS
    ? ill('clock', `${detail}; the database was written later`, 'Set the clock: timedatectl set-ntp true')
    : well('clock', detail);
}

/** All of it: what SQLite meets only when a command or a turn reads the damaged page. */
function lookAtDatabase(file: string): Finding[] {
  try {
    const problems = problemsIn(file);
    if (problems === undefined) return [];
    if (problems.length === 0) return [well('database', `${file} is sound`)];
    return [ill('database', `${file} is damaged (${problems.join('; ')})`, RESTORE)];
  } catch (error) {
    if (damageIn(file, error) === undefined) throw error;
    return [ill('database', `${file} is damaged (${(error as Error).message})`, RESTORE)];
  }
}

function lookAtAccount(account: AccountSummary): Finding {
  if (account.status !== 'paired')
    return ill('account', 'no WhatsApp account is linked', 'Link one: ./nanoclaw pair');
  return well('account', `+${account.number}${account.name === undefined ? '' : ` (${account.name})`}`);
}

/** A warning at most: an account that is linked already may go on with an old version for months. */
function lookAtVersion({ words, advice }: ReturnType<Patient['version']>): Finding {
  return { name: 'version', ok: true, detail: `WhatsApp Web ${words}`, cure: advice };
}

function lookAtLine({ hostPid, line }: LineSeen): Finding {
  if (hostPid === null) return ill('line', 'no host is running', 'Start it: npm start');
  return line === 'open'
    ? well('line', `open, host ${hostPid}`)
    : ill('line', line, 'See "./nanoclaw status" for what to do');
}
