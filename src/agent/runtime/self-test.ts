import { randomBytes } from 'node:crypto';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SECOND } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Paths } from '../../paths.ts';
import { layoutAt } from '../../protocol/layout.ts';
import { BoundedText } from '../bounded-text.ts';
import { type Owner, prepareDirectories } from '../directories.ts';
import { removeEnvDir, writeEnvDir } from '../env-dir.ts';
import { sandboxName } from '../install.ts';
import { planMounts } from '../mounts.ts';
import { AGENT_USER } from './agent-user.ts';
import type { Runtime, Sandbox } from './runtime.ts';
import { type Found, LOOK_AROUND, readFound } from './self-test-probe.ts';

const DEADLINE_MS = 60 * SECOND;
const KEPT_TEXT = 16 * 1024;

/** One thing that the self-test looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen. */
  readonly detail: string;
  /** What to do; undefined: nothing is wrong. Where it is `ok`, what could be better. */
  readonly cure: string | undefined;
}

export interface SelfTestOptions {
  readonly runtime: Runtime;
  readonly paths: Paths;
  readonly installId: string;
  /** The user that this process is. */
  readonly hostUser: Owner;
  readonly log: Log;
}

/**
 * Runs one sandbox with the real mounts of a group that exists for the trial only, and tells what the agent in it could
 * do and what it could not. Leaves nothing behind. The runtime must have been checked.
 * @returns never empty; a sandbox that did not start is one finding
 * @throws the system's errors when the root cannot be written to
 */
export async function testRuntime(options: SelfTestOptions): Promise<Finding[]> {
  const { runtime, paths, hostUser } = options;
  if (runtime.kind === 'plain-process') {
    const cure = 'Install Docker, Podman or bubblewrap';
    return [{ name: 'sandbox', ok: false, detail: 'the agent runs in no sandbox', cure }];
  }
  const folder = `self-test-${randomBytes(4).toString('hex')}`;
  try {
    const ran = await runTrial(options, folder);
    if (typeof ran === 'string') {
      const cure = 'The words above name it; logs/nanoclaw.log may have more';
      return [{ name: 'sandbox starts', ok: false, detail: ran, cure }];
    }
    return [
      { name: 'sandbox starts', ok: true, detail: runtime.description, cure: undefined },
      ...judgeInside(ran),
      // What could not be written belongs to nobody.
      ...(ran.writable.group === ''
        ? [await judgeOwnership(join(paths.group(folder), 'self-test'), runtime.owner ?? hostUser)]
        : []),
      ...runtime.shortcomings.map(({ what, cure }) => ({ name: 'limits', ok: true, detail: what, cure })),
    ];
  } finally {
    const places = [
      ...[paths.group(folder), paths.groupIpc(folder), paths.groupSessions(folder)],
      paths.groupAttachments(folder),
    ];
    for (const place of places) await rm(place, { recursive: true, force: true });
  }
}

/** @returns what was seen inside, or why nothing was */
async function runTrial(options: SelfTestOptions, folder: string): Promise<Found | string> {
  const { runtime, paths, installId, log } = options;
  const runEnv = join(paths.runEnv, folder);
  await prepareDirectories(paths, { groupFolder: folder, isMain: false }, runtime.owner, log);
  await writeEnvDir(runEnv, {}, runtime.owner);
  const layout = layoutAt();
  const none = { project: [], extra: [], credentials: [] };
  const mounts = planMounts({ groupFolder: folder, isMain: false, paths, layout, runEnv, ...none });
  const name = sandboxName(installId, folder, folder);
  let sandbox: Sandbox | undefined;
  try {
    sandbox = await runtime.start({
      ...{ name, runId: folder, groupFolder: folder, mounts, timezone: 'UTC', network: 'none' },
      command: ['node', '-e', LOOK_AROUND],
    });
    return await listen(sandbox, () => runtime.kill(name));
  } catch (error) {
    return (error as Error).message;
  } finally {
    await sandbox?.dispose();
    await removeEnvDir(runEnv);
  }
}

async function listen(sandbox: Sandbox, kill: () => Promise<void>): Promise<Found | string> {
  const { child, exited } = sandbox;
  const stdout = new BoundedText(KEPT_TEXT);
  const stderr = new BoundedText(KEPT_TEXT);
  child.stdout.on('data', (bytes: Buffer) => stdout.append(bytes));
  child.stderr.on('data', (bytes: Buffer) => stderr.append(bytes));
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  // A sandbox that never started reads nothing: its exit says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end();
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    void kill().finally(() => child.kill('SIGKILL'));
  }, DEADLINE_MS);
  const { exitCode, spawnError } = await exited;
  await closed;
  clearTimeout(deadline);
  if (late) return `it gave no answer within ${DEADLINE_MS / SECOND} seconds`;
  if (spawnError !== undefined) return spawnError;
  const words = stderr.toString().trim();
  const failure = sandbox.startFailure(exitCode, words)?.error;
  return readFound(stdout.toString()) ?? failure ?? `exit code ${exitCode}: ${words || 'it said nothing'}`;
}

function judgeInside(found: Found): Finding[] {
  const may = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).filter(([, code]) => code !== '');
  const mayNot = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).filter(([, code]) => code === '');
  const list = (entries: readonly (readonly string[])[]) =>
    entries.map((entry) => entry.join(' ').trim()).join(', ');
  const judge = (name: string, ok: boolean, detail: string, cure: string): Finding => {
    return { name, ok, detail, cure: ok ? undefined : cure };
  };
  const closed = may(found.writable);
  const open = mayNot(found.readonly);
  const isAgent = found.uid !== 0 && found.name !== '';
  const isBare = /^0+$/.test(found.capabilities) && found.noNewPrivileges === '1';
  return [
    judge(
      'the agent is an ordinary user',
      isAgent,
      `uid ${found.uid}${found.name === '' ? ', without a name' : ` (${found.name})`}`,
      `Make the image anew: container/build.sh. It must run as uid ${AGENT_USER.uid}`,
    ),
    judge(
      'the agent has no privileges',
      isBare,
      `capabilities ${found.capabilities}, no new privileges ${found.noNewPrivileges}`,
      'This runtime gives more than it was asked for: use another one (CONTAINER_RUNTIME)',
    ),
    judge(
      'the agent can write what is its own',
      closed.length === 0,
      closed.length === 0 ? Object.keys(found.writable).join(', ') : `refused: ${list(closed)}`,
      'The engine’s users are not this machine’s (a rootless Docker, a remote engine?): use the engine of this user, or bubblewrap',
    ),
    judge(
      'the agent cannot write what is the host’s',
      open.length === 0,
      open.length === 0 ? Object.keys(found.readonly).join(', ') : `written: ${list(open)}`,
      'This runtime does not keep mounts read-only: use another one (CONTAINER_RUNTIME)',
    ),
  ];
}

async function judgeOwnership(file: string, expected: Owner): Promise<Finding> {
  const name = 'what the agent writes belongs to the right user';
  try {
    const { uid } = await lstat(file);
    const ok = uid === expected.uid;
    const cure = `Let the engine run as the user that the host is, or the host as root`;
    return { name, ok, detail: `uid ${uid} on the host`, cure: ok ? undefined : cure };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cure = 'The engine shows another directory than this machine’s (a remote engine?): use a local one';
    return { name, ok: false, detail: `what it wrote is not on the host (${code})`, cure };
  }
}
