import type { SocketConfig } from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';

type BaileysLog = SocketConfig['logger'];

/** Said as warnings and errors, but of every healthy line; what they mean is logged by us where it matters. */
const EVERYDAY: ReadonlySet<string> = new Set([
  'stream errored out',
  'no name present, ignoring presence update request...',
  'error in sending presence update on name change',
  'timed out waiting for message',
  // The line was closed meanwhile: the server brings it again.
  'failed to ack receipt',
  'failed to ack notification',
  'Timeout in AwaitingInitialSync, forcing state to Online and flushing buffer',
]);

/**
 * Our log as Baileys wants it. Baileys is talkative: its warnings and errors pass, its everyday ones and all
 * the rest at trace only.
 */
export function baileysLog(log: Log): BaileysLog {
  const talkative = log.isLevelEnabled('trace');
  const level = talkative || log.level === 'silent' ? log.level : 'warn';
  return adapt(log.child({ component: 'baileys' }, { level }));
}

function adapt(log: Log): BaileysLog {
  const say =
    (level: 'trace' | 'warn' | 'error') =>
    (fields: unknown, message?: string): void => {
      const words = typeof fields === 'string' ? fields : (message ?? '');
      log[EVERYDAY.has(words) ? 'trace' : level](typeof fields === 'string' ? {} : fields, words);
    };
  return {
    level: log.level,
    child: (fields) => adapt(log.child(fields)),
    trace: say('trace'),
    debug: say('trace'),
    info: say('trace'),
    warn: say('warn'),
    error: say('error'),
  };
}
