import type { SocketConfig } from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';

type BaileysLog = SocketConfig['logger'];
type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

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
 * Our log as Baileys wants it. Baileys is talkative: unless we debug, only its warnings and errors pass, and its
 * everyday ones do not.
 */
export function baileysLog(log: Log): BaileysLog {
  const talkative = log.isLevelEnabled('debug');
  const level = talkative || log.level === 'silent' ? log.level : 'warn';
  return adapt(log.child({ component: 'baileys' }, { level }));
}

function adapt(log: Log): BaileysLog {
  const say =
    (level: Level) =>
    (fields: unknown, message?: string): void => {
      const words = typeof fields === 'string' ? fields : (message ?? '');
      log[EVERYDAY.has(words) ? 'debug' : level](typeof fields === 'string' ? {} : fields, words);
    };
  return {
    level: log.level,
    child: (fields) => adapt(log.child(fields)),
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
  };
}
