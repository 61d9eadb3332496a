#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import type { LineState } from './channel/channel.ts';
import { SECOND, systemClock } from './clock.ts';
import { type BaseConfig, type Config, ConfigError, loadBaseConfig, loadConfig } from './config.ts';
import { type OpenLog, openLog } from './log.ts';
import { startHost } from './main.ts';
import { formatGroups, formatSessions, formatTasks } from './operations/lists.ts';
import { qrScreen } from './operations/qr-screen.ts';
import { formatStatus, readStatus } from './operations/status.ts';
import { pair } from './pair.ts';
import { pathsAt } from './paths.ts';
import { lockHolder } from './store/host-lock.ts';
import { openStoreReadOnly, type Store } from './store/store.ts';

/** Exit codes: 0 well, 1 not well, 2 wrong usage. */
const NOT_WELL = 1;
const WRONG_USAGE = 2;

/** A shutdown that hangs is ended after this long. */
const WATCHDOG_MS = 30 * SECOND;

const NOT_PAIRED =
  'NanoClaw is not linked to a WhatsApp account yet. Run this in a terminal: npx nanoclaw pair';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

function logOf(config: Pick<Config, 'root' | 'logLevel'>): OpenLog {
  const paths = pathsAt(config.root);
  return openLog({
    level: config.logLevel,
    file: paths.log,
    errorFile: paths.errorLog,
    terminal: process.stderr,
  });
}

/** Shows each QR: as a picture, or with `raw` as its text on a line for other programs. */
function showQr(state: LineState, raw: boolean): void {
  if (state.status === 'unpaired' && state.qr !== undefined) say(raw ? state.qr : qrScreen(state.qr));
}

interface StartFlags {
  readonly raw?: true;
  readonly allowPlainProcess?: true;
  readonly offlineFaults?: true;
}

async function start(flags: StartFlags): Promise<void> {
  const config = loadConfig(process.env);
  const forTests = flags.allowPlainProcess || flags.offlineFaults;
  if (forTests && (config.provider !== 'offline' || config.whatsapp.url === undefined)) {
    throw new ConfigError(
      '--allow-plain-process and --offline-faults are for the offline agent and a WhatsApp server on this machine only.',
    );
  }
  const { log, close } = logOf(config);
  const watched = flags.raw === true || process.stdout.isTTY;
  const ending = new AbortController();
  const onLine = (state: LineState): void => {
    if (state.status === 'stopped') log.error({ code: state.code }, `WhatsApp: ${state.reason}`);
    if (state.status !== 'unpaired' || ending.signal.aborted) return;
    if (watched) {
      showQr(state, flags.raw === true);
      return;
    }
    complain(NOT_PAIRED);
    void end(NOT_WELL);
  };
  const starting = startHost({
    config,
    log,
    onLine,
    keepOfferingQr: watched,
    allowPlainProcess: flags.allowPlainProcess === true,
    offlineFaults: flags.offlineFaults === true,
  });
  const end = async (exitCode: number): Promise<void> => {
    // Asked a second time: now.
    if (ending.signal.aborted) process.exit(NOT_WELL);
    ending.abort();
    setTimeout(() => {
      log.error('The shutdown hangs, ending now');
      process.exit(NOT_WELL);
    }, WATCHDOG_MS).unref();
    // A start that failed has said so already.
    const host = await starting.catch(() => undefined);
    await host?.stop();
    close();
    // Baileys leaves timers of up to a minute behind a closed socket; everything of ours has ended.
    process.exit(exitCode);
  };
  // Baileys leaves some promises unwatched; what they reject with must not end the host.
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'A promise was rejected that nobody watched'),
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(0));
  try {
    await starting;
  } catch (error) {
    close();
    throw error;
  }
}

async function pairCommand(flags: { readonly raw?: true }): Promise<void> {
  const config = loadBaseConfig(process.env);
  const { log, close } = logOf(config);
  const state = await pair({
    config,
    log,
    onLine: (line) => showQr(line, flags.raw === true),
    keepOfferingQr: process.stdout.isTTY,
  });
  close();
  if (state.status === 'stopped') throw new ConfigError(state.reason);
  say('Linked. Start the assistant with: npm start');
  process.exit(0);
}

/** Runs a command that only reads the database, whether or not a host is running. */
function withStore(work: (store: Store, config: BaseConfig) => void): void {
  const config = loadBaseConfig(process.env);
  const store = openStoreReadOnly(pathsAt(config.root).database);
  if (store === undefined) {
    throw new ConfigError(`Nothing is there yet in ${config.root}. Pair first: npx nanoclaw pair`);
  }
  try {
    work(store, config);
  } finally {
    store.close();
  }
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);
const JSON_FLAG = ['--json', 'for machines'] as const;

function program(): Command {
  const raw = ['--raw', 'print each QR code as its text on a line'] as const;
  const nanoclaw = new Command('nanoclaw')
    .description('A personal assistant that lives in WhatsApp')
    .exitOverride();
  nanoclaw
    .command('start')
    .description('run the assistant')
    .option(...raw)
    .addOption(new Option('--allow-plain-process').hideHelp())
    .addOption(new Option('--offline-faults').hideHelp())
    .action(start);
  nanoclaw
    .command('pair')
    .description('link this machine to a WhatsApp account')
    .option(...raw)
    .action(pairCommand);
  nanoclaw
    .command('status')
    .description('what runs and what waits')
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store, config) => {
        const holder = lockHolder(pathsAt(config.root).hostLock) ?? null;
        const status = readStatus(store, holder, systemClock.now());
        say(flags.json ? json(status) : formatStatus(status));
        if (status.hostPid === null || status.line !== 'open') process.exitCode = NOT_WELL;
      }),
    );
  nanoclaw
    .command('groups')
    .description('the chats in which the assistant takes part')
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store) => say(flags.json ? json(store.groups.all()) : formatGroups(store))),
    );
  nanoclaw
    .command('tasks')
    .description('what is scheduled')
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store, config) =>
        say(flags.json ? json(store.tasks.all()) : formatTasks(store, config.timezone)),
      ),
    );
  nanoclaw
    .command('sessions')
    .description("the agents' sessions")
    .option(...JSON_FLAG)
    .action((flags: { json?: true }) =>
      withStore((store) => say(flags.json ? json(store.sessions.all()) : formatSessions(store))),
    );
  return nanoclaw;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
  else {
    complain(error instanceof Error ? error.message : String(error));
    process.exit(NOT_WELL);
  }
}
