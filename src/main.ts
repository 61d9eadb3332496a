import { v7 as uuidv7 } from 'uuid';
import { ContainerRunner } from './agent/container-runner.ts';
import { warnOfStaleImage } from './agent/image-source.ts';
import { installId } from './agent/install.ts';
import { chooseRuntime, otherRuntimes } from './agent/runtime/choose.ts';
import { watchChanges } from './changes-by-commands.ts';
import type { LineState } from './channel/channel.ts';
import { inspectCredentials } from './channel/whatsapp/credentials.ts';
import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { Conversation } from './conversation/conversation.ts';
import { GroupRounds } from './conversation/group-rounds.ts';
import { Settlement } from './conversation/settlement.ts';
import { exists } from './exists.ts';
import { wireFiles } from './files.ts';
import { GroupFolders } from './groups/group-folders.ts';
import { type Instance, openInstance } from './instance.ts';
import { wireKeys } from './keys.ts';
import { wireLine } from './line.ts';
import type { Log } from './log.ts';
import { Mailbox } from './mailbox/mailbox.ts';
import { blameDisk } from './operations/disk.ts';
import { SessionsFile } from './operations/sessions-file.ts';
import { pathsAt } from './paths.ts';
import { protectedPaths } from './protected-paths.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { stopInOrder } from './stop-in-order.ts';
import { BELLS, type Bell } from './store/bells.ts';
import { LogTruncation } from './store/log-truncation.ts';
import type { Timings } from './timings.ts';

export interface HostOptions {
  readonly config: Config;
  readonly log: Log;
  /** Told of every change of the line, for whoever watches: a QR to show, what the owner must do. */
  readonly onLine: (state: LineState) => void;
  /** Aborted when the host is asked to end: a start that is under way begins no turn and opens no line then. */
  readonly ending: AbortSignal;
  /** New QRs follow used-up ones, because somebody is watching. */
  readonly keepOfferingQr: boolean;
  /** Where no sandbox exists the offline agent may run as a plain process: for the demo and the tests. */
  readonly allowPlainProcess: boolean;
  /** The offline agent obeys commands that make it crash, hang or flood: for the tests. */
  readonly offlineFaults: boolean;
  readonly timings: Timings;
}

export interface Host {
  /** Drains and closes everything. Calling it twice or at once shares the outcome. */
  stop(): Promise<void>;
}

/**
 * Loads, wires and starts everything. The order matters: the lock, then the database; sandboxes of an earlier process end
 * and their mailboxes are drained before its runs are settled, and only then does the line open.
 * @throws ConfigError, HostLockError, DatabaseError, DiskError and the errors of the rooms, each naming its cure
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { config, log } = options;
  let instance: Instance | undefined;
  try {
    instance = await openInstance(config, log);
    return await run(options, instance);
  } catch (error) {
    instance?.close();
    throw await blameDisk(error, 'The host cannot start', pathsAt(config.root));
  }
}

async function run(options: HostOptions, { paths, store, close }: Instance): Promise<Host> {
  const { config, log, timings } = options;
  const clock = systemClock;
  const newId = uuidv7;

  // An account that cannot be read stops the start here, before any turn has begun.
  const account = inspectCredentials(paths.whatsappDatabase);
  if (account.status !== 'paired' && (await exists(paths.v1Account)))
    log.warn(
      { directory: paths.v1Account },
      'store/auth holds the WhatsApp login of NanoClaw v1, which cannot be imported. Link with ./nanoclaw pair, ' +
        'then remove store/auth here and the old linked device on the phone',
    );
  const install = await installId(config.root);
  const choice = {
    requested: config.runtime,
    allowPlainProcess: options.allowPlainProcess,
    provider: config.provider,
    image: config.image,
    installId: install,
    paths,
    packageRoot: config.packageRoot,
    log,
    environment: process.env,
  };
  const runtime = await chooseRuntime(choice);
  await warnOfStaleImage(runtime, config.packageRoot, log);
  const keys = await wireKeys({ config, paths, store, runtime, installId: install, clock, log });
  const agent = new ContainerRunner({
    runtime,
    otherRuntimes: otherRuntimes(runtime, choice),
    paths,
    packageRoot: config.packageRoot,
    installId: install,
    clock,
    newId,
    log,
    settings: {
      assistantName: config.assistantName,
      timeoutMs: config.containerTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      timezone: config.timezone,
      credentialsMode: config.credentials,
      agentEnv: options.offlineFaults ? { NANOCLAW_OFFLINE_FAULTS: '1' } : undefined,
    },
    credentials: keys.credentials,
    protectedPaths: protectedPaths(paths, config.packageRoot, install),
    timings,
  });

  const truncation = new LogTruncation({
    files: [paths.database, paths.whatsappDatabase],
    clock,
    log,
    timings,
  });
  for (const bell of BELLS) store.bells.on(bell, () => truncation.note());
  const ready = readiness(log);
  const {
    channel,
    delivery,
    loops,
    stop: stopLine,
  } = wireLine({
    config,
    paths,
    store,
    clock,
    newId,
    log,
    timings,
    keepOfferingQr: options.keepOfferingQr,
    onArrival: () => truncation.note(),
    onLine: (state) => {
      if (state.status === 'open') {
        ready.lineOpened();
        conversation.wake();
        groupRounds.lineOpened();
      }
      options.onLine(state);
    },
  });
  const groupRounds = new GroupRounds({ store, channel, clock, log, timings });
  const files = wireFiles({ config, paths, store, channel, loops, clock, newId, log, timings });
  const snapshots = new Snapshots(store, paths);
  const folders = new GroupFolders(paths, log);
  const mailbox = new Mailbox({
    store,
    paths,
    snapshots,
    syncGroups: () => groupRounds.now(),
    clock,
    newId,
    log,
    timezone: config.timezone,
    timings,
    limits: { minTaskIntervalMs: config.minTaskIntervalMs },
  });
  const conversation = new Conversation({
    store,
    agent,
    channel,
    settlement: new Settlement(store, newId, () => clock.now(), timings),
    clock,
    newId,
    log,
    provider: config.provider,
    model: config.model,
    idleTimeoutMs: config.idleTimeoutMs,
    timezone: config.timezone,
    mostAtOnce: config.maxConcurrentContainers,
    drainMailbox: (folder) => mailbox.drain(folder),
    prepare: async (group) => {
      await folders.make(group);
      await snapshots.write(group);
    },
    cleanUp: (group) => snapshots.clearResults(group.folder),
    timings,
  });
  const { timezone, minTaskIntervalMs: minIntervalMs } = config;
  const scheduler = new Scheduler({ store, clock, newId, log, timezone, minIntervalMs, timings });

  const refreshSnapshots = async (): Promise<void> => {
    await Promise.all(conversation.activeGroups().map((group) => snapshots.write(group)));
  };
  const listenTo = (bell: Bell, act: () => void | Promise<void>): void => {
    store.bells.on(bell, () =>
      Promise.resolve()
        .then(act)
        .catch((error: unknown) => log.error({ err: error, bell }, 'What a bell woke has failed')),
    );
  };
  listenTo('tasks', refreshSnapshots);
  listenTo('groups', refreshSnapshots);
  const sessionsFile = new SessionsFile({ store, paths, log, timings });
  listenTo('sessions', () => sessionsFile.refresh());
  listenTo('groups', async () => {
    await folders.makeNew(store.groups.all());
    mailbox.followGroups();
  });

  log.info(`Sandbox: ${agent.description}`);
  store.state.set('sandbox', agent.description);
  const orphans = await agent.removeOrphans();
  if (orphans > 0) log.warn({ orphans }, 'Removed sandboxes that an earlier process left behind');
  await folders.makeNew(store.groups.all());
  await mailbox.start();
  await sessionsFile.start();
  await files.start();
  await conversation.settleInterrupted();
  // Not before: what is drained above rings, and no turn may begin while earlier ones are not settled.
  listenTo('messages', () => conversation.messagesCame());
  for (const bell of ['runs', 'attachments'] as const) listenTo(bell, () => conversation.wake());
  listenTo('tasks', () => scheduler.wake());
  const stopWatching = watchChanges(
    paths.changed,
    () => {
      for (const bell of ['tasks', 'runs'] as const) store.bells.ring(bell);
    },
    log,
  );
  if (!options.ending.aborted) {
    conversation.wake();
    scheduler.wake();
    await channel.start();
    truncation.note();
    ready.roomsStarted();
  }

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    stopInOrder(
      [
        ['changes by commands', () => stopWatching()],
        ['scheduler', () => scheduler.stop()],
        ['group rounds', () => groupRounds.stop()],
        ['conversation', () => conversation.stop(timings.shutdownGraceMs)],
        ['files', () => files.stop()],
        ['sessions file', () => sessionsFile.stop()],
        ['mailbox', () => mailbox.stop()],
        ['delivery', () => delivery.stop(timings.lastSendsMs)],
        ['line', () => channel.stop()],
        ['what came by the line', () => stopLine()],
        // Sends that the closing line cut off are back in the outbox by now.
        ['last sends', () => delivery.stop()],
        ['keys', () => keys.stop()],
        ['truncation of the logs', () => truncation.stop()],
        ['database and lock', () => close()],
      ],
      log,
    ).then(() => log.info('Stopped'));
  return {
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Says `Ready` once: when the line has opened for the first time and everything else runs. */
function readiness(log: Log): { lineOpened(): void; roomsStarted(): void } {
  let line = false;
  let rooms = false;
  let said = false;
  const say = (): void => {
    if (!line || !rooms || said) return;
    said = true;
    log.info('Ready');
  };
  return {
    lineOpened: () => {
      line = true;
      say();
    },
    roomsStarted: () => {
      rooms = true;
      say();
    },
  };
}
