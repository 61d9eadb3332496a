import { spawn } from 'node:child_process';
import { Attachments } from './attachments/attachments.ts';
import { CommandTranscriber } from './attachments/command-transcriber.ts';
import { Retention } from './attachments/retention.ts';
import { ServiceTranscriber } from './attachments/service-transcriber.ts';
import type { Transcriber } from './attachments/transcriber.ts';
import type { Channel } from './channel/channel.ts';
import type { Clock, NewId } from './clock.ts';
import { type Config, readVariables } from './config.ts';
import type { LoopBreaker } from './conversation/loop-breaker.ts';
import { callsAloud } from './conversation/trigger.ts';
import type { Log } from './log.ts';
import type { Paths } from './paths.ts';
import type { Store } from './store/store.ts';
import type { Timings } from './timings.ts';

export interface FilesOptions {
  readonly config: Pick<Config, 'attachments' | 'transcription'>;
  readonly paths: Paths;
  readonly store: Store;
  readonly channel: Channel;
  readonly loops: Pick<LoopBreaker, 'heldUntil'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly timings: Timings;
}

export interface Files {
  /** Fetches what waits and removes what is old, from now on. */
  start(): Promise<void>;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
}

/** Wires what brings the files of messages in, and lets go of them again. Nothing is started. */
export function wireFiles({
  config,
  paths,
  store,
  channel,
  loops,
  clock,
  newId,
  log,
  timings,
}: FilesOptions): Files {
  const { maxBytes, maxTotalBytes, days } = config.attachments;
  const directory = paths.attachments;
  const retention = new Retention({ store, directory, days, maxTotalBytes, clock, log, timings });
  const attachments = new Attachments({
    store,
    channel,
    directory,
    incoming: paths.attachmentsIncoming,
    maxBytes,
    transcriber: transcriberOf(config.transcription),
    callsAloud,
    heldUntil: ({ chatJid, sender, senderName, isFromMe }) => {
      // Where no trigger is needed that was asked when the note came.
      if (store.groups.find(chatJid)?.requiresTrigger === false) return undefined;
      return loops.heldUntil({
        chatJid,
        senderJid: sender ?? '',
        senderName: senderName ?? '',
        fromMe: isFromMe === 1,
      });
    },
    clock,
    newId,
    log,
    timings,
  });
  return {
    start: async () => {
      await attachments.start();
      store.bells.on('attachments', () => {
        attachments.wake();
        retention.wake();
      });
      retention.wake();
    },
    stop: async () => {
      await attachments.stop();
      await retention.stop();
    },
  };
}

function transcriberOf({ command, url, model, timeoutMs }: Config['transcription']): Transcriber | undefined {
  if (command !== undefined) return new CommandTranscriber({ command, timeoutMs, env: programEnv(), spawn });
  if (url === undefined) return undefined;
  return new ServiceTranscriber({
    url,
    model,
    timeoutMs,
    key: () => readVariables(process.env).TRANSCRIBE_API_KEY,
  });
}

/** What a program needs to run, and no key. */
function programEnv(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
