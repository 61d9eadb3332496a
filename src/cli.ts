#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { v7 as uuidv7 } from 'uuid';
import { withoutUsers } from './address-secrets.ts';
import { installId } from './agent/install.ts';
import { MountAllowlist } from './agent/mount-allowlist.ts';
import { announceChange } from './changes-by-commands.ts';
import type { LineState } from './channel/channel.ts';
import { systemClock } from './clock.ts';
import {
  type BaseConfig,
  type Config,
  ConfigError,
  loadBaseConfig,
  loadConfig,
  packageRoot,
} from './config.ts';
import { examineHere } from './doctor.ts';
import { Ending } from './ending.ts';
import { logFailedStart } from './failed-start.ts';
import { absolute, formatGroupOutcome, parseMount, setGroup } from './group-command.ts';
import type { NetworkPolicy } from './groups/owner-settings.ts';
import { freshenCredentials, inspectCredentials, versionInUse, versionInWords } from './line.ts';
import { type LogLevel, type OpenLog, openLog } from './log.ts';
import { startHost } from './main.ts';
import { formatBackup, takeBackup } from './operations/backup/backup.ts';
import { formatRestore, restoreBackup } from './operations/backup/restore.ts';
import { blameDisk, lookAtDisks } from './operations/disk.ts';
import { DiskWatch } from './operations/disk-watch.ts';
import { formatFindings } from './operations/doctor.ts';
import { formatGroups, formatSessions, formatTasks, listGroups, listTasks } from './operations/lists.ts';
import { PairingScreen } from './operations/pairing-screen.ts';
import { PHONE_NUMBER_WANTED, phoneDigits } from './operations/phone-number.ts';
import { formatStatus, readStatus } from './operations/status.ts';
import { type PairOutcome, pair } from './pair.ts';
import { type Paths, pathsAt } from './paths.ts';
import { printableLines } from './printable.ts';
import { protectedPaths } from './protected-paths.ts';
import { layoutAt } from './protocol/layout.ts';
import { lockedBy, lockHolder } from './store/host-lock.ts';
import { changeBeside, lookInto, type Store } from './store/store.ts';
import { controlTask, formatTaskOutcome, type TaskAction } from './task-command.ts';
import { DEFAULT_TIMINGS, Timings } from './timings.ts';

/** Exit codes: 0 well, 1 not well, 2 wrong usage. */
const NOT_WELL = 1;
const WRONG_USAGE = 2;

const NOT_PAIRED =
  'NanoClaw is not linked to a WhatsApp account yet. Run this in a terminal: ./nanoclaw pair';

/**
 * Messages name this command as it works at the root of the project; here it is named as it works where they
 * are read. An address in them may hold a password.
 */
const named = (text: string): string =>
  withoutUsers(text.replaceAll('./nanoclaw', process.env.NANOCLAW_COMMAND ?? './nanoclaw'));
const say = (text: string): void => void process.stdout.write(`${printableLines(named(text))}\n`);
const complain = (text: string): void => void process.stderr.write(`${printableLines(named(text))}\n`);

function logOf(
  config: Pick<Config, 'root' | 'logLevel'>,
  terminalLevel?: LogLevel,
  debugFile?: string,
): OpenLog {
  const paths = pathsAt(config.root);
  return openLog({
    debugFile,
    level: config.logLevel,
    file: paths.log,
    errorFile: paths.errorLog,
    terminal: process.stderr,
    terminalLevel,
  });
}

/** Shows codes to link with: for people, or with `raw` as text on a line for other programs. */
function pairingScreen(raw: boolean): PairingScreen {
  const { stdout } = process;
  return new PairingScreen({
    write: (text) => void stdout.write(named(text)),
    isTerminal: stdout.isTTY,
    raw,
    rows: stdout.isTTY ? stdout.rows : undefined,
  });
}

function packageVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(packageRoot(), 'package.json'), 'utf8'),
  );
  return version;
}

interface StartFlags {
  readonly raw?: true;
  readonly allowPlainProcess?: true;
  readonly offlineFaults?: true;
  readonly timings?: Timings;
}

async function start(flags: StartFlags): Promise<void> {
  const config = loadConfig(process.env);
  const forTests = flags.allowPlainProcess || flags.offlineFaults || flags.timings !== undefined;
  const timings = flags.timings ?? DEFAULT_TIMINGS;
  if (forTests && (config.provider !== 'offline' || config.whatsapp.url === undefined)) {
    throw new ConfigError(
      '--allow-plain-process, --offline-faults and --timings are for the offline agent and a WhatsApp server on this machine only.',
    );
  }
  const { log, close, onTrouble } = logOf(config);
  const disks = new DiskWatch({ look: () => lookAtDisks(pathsAt(config.root)), log, timings });
  onTrouble(() => disks.suspect());
  const watched = flags.raw === true || process.stdout.isTTY;
  const ending = new Ending({
    // A start that failed says so itself.
    stop: async () => (await starting).stop(),
    log,
    timings,
    exit: (exitCode) => {
      close();
      // Baileys leaves timers of up to a minute behind a closed socket; everything of ours has ended.
      process.exit(exitCode);
    },
  });
  const screen = pairingScreen(flags.raw === true);
  const onLine = (state: LineState): void => {
    if (watched) screen.show(state);
    if (watched || state.status !== 'unpaired' || ending.begun.aborted) return;
    complain(NOT_PAIRED);
    logFailedStart(process.env, new ConfigError(NOT_PAIRED));
    ending.begin(NOT_WELL);
  };
  const starting = startHost({
    config,
    log,
    onLine,
    ending: ending.begun,
    keepOfferingQr: watched,
    allowPlainProcess: flags.allowPlainProcess === true,
    offlineFaults: flags.offlineFaults === true,
    timings,
  });
  // Baileys leaves some promises unwatched; what they reject with must not end the host.
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'A promise was rejected that nobody watched'),
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, (name) => ending.onSignal(name));
  try {
    await starting;
  } catch (error) {
    close();
    throw error;
  }
}

interface PairFlags {
  readonly raw?: true;
  readonly code?: string;
  readonly new?: true;
  readonly debug?: true;
}

async function pairCommand(flags: PairFlags): Promise<void> {
  const config = loadBaseConfig(process.env);
  // Among the codes a person reads what went wrong, and the rest only when they have asked for more than is usual.
  const shownLevel = config.logLevel === 'info' ? 'warn' : config.logLevel;
  const debugFile = flags.debug ? pathsAt(config.root).pairingLog : undefined;
  const { log, close } = logOf(config, shownLevel, debugFile);
  const given = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => given.abort());
  const screen = pairingScreen(flags.raw === true);
  screen.begin();
  const outcome = await pair({
    config,
    log,
    onLine: (line) => screen.show(line),
    keepOfferingQr: process.stdout.isTTY,
    pairWith: flags.code,
    isNew: flags.new,
    signal: given.signal,
  });
  close();
  if (debugFile !== undefined) complain(`A log without secrets, to attach to a report: ${debugFile}`);
  if (outcome.kind === 'stopped') throw new ConfigError(outcome.reason);
  say(linkedWords(outcome));
  process.exit(0);
}

function linkedWords({ number, name, hello }: Extract<PairOutcome, { kind: 'linked' }>): string {
  const greeted = {
    sent: ' A first message was sent to your own chat.',
    unconfirmed: ' A first message to your own chat was not confirmed; it is sent again at the next start.',
    none: '',
  };
  const who = name === undefined ? `+${number}` : `+${number} (${name})`;
  return `Linked to ${who}.${greeted[hello]}\nStart the assistant with: npm start`;
}

function phoneArgument(text: string): string {
  const digits = phoneDigits(text);
  if (digits === undefined) throw new InvalidArgumentError(PHONE_NUMBER_WANTED);
  return digits;
}

async function doctorCommand(flags: { readonly json?: true }): Promise<void> {
  const { log, close } = logOf({ root: loadBaseConfig(process.env).root, logLevel: 'error' });
  const findings = await examineHere(process.env, log);
  close();
  say(flags.json ? json(findings) : formatFindings(findings));
  if (findings.some(({ ok }) => !ok)) process.exitCode = NOT_WELL;
}

async function backupCommand(file: string | undefined, flags: { readonly json?: true }): Promise<void> {
  const { root, timezone } = loadBaseConfig(process.env);
  const report = await takeBackup({ paths: pathsAt(root), file, now: systemClock.now(), timezone });
  say(flags.json ? json(report) : formatBackup(report));
}

async function restoreCommand(file: string, flags: { readonly json?: true }): Promise<void> {
  const { root, timezone, minTaskIntervalMs } = loadBaseConfig(process.env);
  const report = await restoreBackup({
    paths: pathsAt(root),
    file,
    now: systemClock.now(),
    timezone,
    minIntervalMs: minTaskIntervalMs,
    accounts: { inspect: inspectCredentials, freshen: freshenCredentials },
  });
  say(flags.json ? json(report) : formatRestore(report, timezone));
}

/** @returns the given timings, and the defaults of the others @throws InvalidArgumentError that names the field */
function timingsArgument(text: string): Timings {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  const { success, data, error } = Timings.safeParse(given);
  if (success) return data;
  const words = error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw new InvalidArgumentError(words.join('; '));
}

/** Runs a command that reads the database, or changes it, whether or not a host is running. */
async function withStore(
  work: (store: Store, config: BaseConfig) => void | Promise<void>,
  use = lookInto,
): Promise<void> {
  const config = loadBaseConfig(process.env);
  const paths = pathsAt(config.root);
  let isThere: boolean | undefined;
  try {
    isThere = await use(paths.database, async (store) => {
      await work(store, config);
      return true;
    });
  } catch (error) {
    // Without a host that keeps it open even reading needs a little room.
    throw await blameDisk(error, 'The database cannot be read', paths);
  }
  if (isThere === undefined)
    throw new ConfigError(`Nothing is there yet in ${config.root}. Pair first: ./nanoclaw pair`);
}

/** @throws DiskError where a disk takes nothing, else what `change` throws */
async function changed<T>(paths: Paths, change: () => T): Promise<T> {
  try {
    return change();
  } catch (error) {
    throw await blameDisk(error, 'The database cannot be written', paths);
  }
}

async function tasksCommand(action: TaskAction, id: string, flags: { readonly json?: true }): Promise<void> {
  await withStore(async (store, { root, timezone, minTaskIntervalMs }) => {
    const paths = pathsAt(root);
    const now = systemClock.now();
    const context = { store, now, timezone, newId: uuidv7, limits: { minTaskIntervalMs } };
    const outcome = await changed(paths, () => controlTask(context, action, id));
    const hostRuns = lockHolder(paths.hostLock) !== undefined;
    say(flags.json ? json(outcome.result) : formatTaskOutcome(action, outcome, hostRuns));
    await announce(paths);
  }, changeBeside);
}

/** Tells a host that runs on the root that the database has changed. */
async function announce(paths: Paths): Promise<void> {
  await announceChange(paths.changed, systemClock.now()).catch((error: Error) =>
    complain(`A running assistant notices it at its next look for work only: ${error.message}`),
  );
}

interface GroupFlags {
  readonly mount?: readonly string[];
  readonly unmount?: readonly string[];
  readonly network?: NetworkPolicy;
  readonly json?: true;
}

async function groupsSetCommand(folder: string, flags: GroupFlags): Promise<void> {
  await withStore(async (store, { root }) => {
    const paths = pathsAt(root);
    const { log, close } = logOf({ root, logLevel: 'error' });
    const allowlist = new MountAllowlist({
      file: paths.mountAllowlist,
      protectedPaths: protectedPaths(paths, packageRoot(), await installId(root)),
      extraRoot: layoutAt().extra,
      log,
    });
    const here = process.cwd();
    const outcome = await setGroup(store, allowlist, folder, {
      mounts: (flags.mount ?? []).map((text) => parseMount(text, here)),
      unmount: (flags.unmount ?? []).map((path) => absolute(path, here)),
      network: flags.network,
    });
    close();
    say(flags.json ? json(outcome) : formatGroupOutcome(outcome));
    await announce(paths);
  }, changeBeside);
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);
const TASK_ACTIONS: Readonly<Record<TaskAction, string>> = {
  pause: 'let it run no more until it is resumed',
  resume: 'let a paused one run again, from now on',
  cancel: 'remove it for good',
  run: 'run it once now, beside its schedule',
};
const JSON_FLAG = ['--json', 'for machines'] as const;

function program(): Command {
  const raw = ['--raw', 'print each code as its text on a line'] as const;
  const nanoclaw = new Command('nanoclaw')
    .description('A personal assistant that lives in WhatsApp')
    .version(packageVersion(), '--version', 'print the version')
    .exitOverride();
  nanoclaw
    .command('start')
    .description('run the assistant')
    .option(...raw)
    .addOption(new Option('--allow-plain-process').hideHelp())
    .addOption(new Option('--offline-faults').hideHelp())
    .addOption(new Option('--timings <json>').argParser(timingsArgument).hideHelp())
    .action(async (flags: StartFlags) => {
      try {
        await start(flags);
      } catch (error) {
        logFailedStart(process.env, error);
        throw error;
      }
    });
  nanoclaw
    .command('pair')
    .description('link this machine to a WhatsApp account')
    .option(...raw)
    .option(
      '--code <phone>',
      'link by a code that is typed on this phone, instead of a QR code',
      phoneArgument,
    )
    .option(
      '--new',
      'link again: archives credentials that do not work any more, and keeps groups, tasks and memory',
    )
    .option('--debug', 'write a log without secrets that can be attached to a report')
    .action(pairCommand);
  nanoclaw
    .command('status')
    .description('what runs and what waits')
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore(async (store, config) => {
        const paths = pathsAt(config.root);
        const holder = lockedBy(paths.hostLock);
        const now = systemClock.now();
        const version = versionInWords(versionInUse(paths.whatsappVersion, config.whatsapp.version), now);
        const status = readStatus(
          store,
          holder?.pid ?? null,
          now,
          await lookAtDisks(paths),
          version,
          holder?.start,
        );
        say(flags.json ? json(status) : formatStatus(status, config.timezone, now));
        const isWell = status.hostPid !== null && status.line === 'open' && status.disks.length === 0;
        if (!isWell) process.exitCode = NOT_WELL;
      }),
    );
  nanoclaw
    .command('doctor')
    .description('what is wrong with this machine and this installation, and its cure')
    .option(...JSON_FLAG)
    .action(doctorCommand);
  const groups = nanoclaw
    .command('groups')
    .description('the chats in which the assistant takes part; and what they may use of this machine')
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store) => say(flags.json ? json(listGroups(store)) : formatGroups(store))),
    );
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  groups
    .command('set')
    .description('what only the owner may change of a chat; without options it says what holds')
    .argument('<folder>', "the chat's folder, as it is listed by: ./nanoclaw groups")
    .option(
      '--mount <path[:rw]>',
      'show it this directory, to read or with :rw to write too; may be repeated',
      collect,
    )
    .option('--unmount <path>', 'show it that directory no more; may be repeated', collect)
    .addOption(new Option('--network <policy>', 'what its containers reach').choices(['open', 'none']))
    .option(...JSON_FLAG)
    .action((folder: string, _: unknown, command: Command) =>
      groupsSetCommand(folder, command.optsWithGlobals()),
    );
  const tasks = nanoclaw
    .command('tasks')
    .description('what is scheduled; and pause, resume, cancel or run a task')
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store, config) =>
        say(flags.json ? json(listTasks(store)) : formatTasks(store, config.timezone)),
      ),
    );
  for (const [action, description] of Object.entries(TASK_ACTIONS)) {
    tasks
      .command(action)
      .description(description)
      .argument('<id>', 'a task, by the first characters of its id')
      .option(...JSON_FLAG)
      .action((id: string, _: unknown, command: Command) =>
        tasksCommand(action as TaskAction, id, command.optsWithGlobals()),
      );
  }
  nanoclaw
    .command('sessions')
    .description("the agents' sessions")
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store) => say(flags.json ? json(store.sessions.all()) : formatSessions(store))),
    );
  nanoclaw
    .command('backup')
    .description('all that this root needs to go on, in one file; while the assistant runs or not')
    .argument('[file]', 'where to put it; else into data/backups')
    .option(...JSON_FLAG)
    .action(backupCommand);
  nanoclaw
    .command('restore')
    .description('put a backup in the place of what is here, while no assistant runs')
    .argument('<file>', 'a backup')
    .option(...JSON_FLAG)
    .action(restoreCommand);
  return nanoclaw;
}

/** Otherwise `nanoclaw UNKNOWN --help` would print the help and succeed. @throws CommanderError */
function refuseUnknownCommand(nanoclaw: Command, name: string | undefined): void {
  if (name === undefined || name.startsWith('-') || name === 'help') return;
  if (nanoclaw.commands.some((command) => command.name() === name)) return;
  nanoclaw.error(`error: unknown command '${name}'; see nanoclaw --help`);
}

// Under a umask of 0 everybody on the machine could write memory and settings. What a group may do stays as it was chosen.
process.umask(process.umask() | 0o002);
// A terminal that has gone, or a file on a full disk: what is said is lost, and nothing else.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
try {
  const nanoclaw = program();
  refuseUnknownCommand(nanoclaw, process.argv[2]);
  await nanoclaw.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
  else {
    complain(error instanceof Error ? error.message : String(error));
    process.exit(NOT_WELL);
  }
}
