import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { STILL_WORKING_NOTICE } from './notices.ts';

export interface LongWorkOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'longWorkNoticeAfterMs' | 'longWorkNoticeEveryMs'>;
}

/**
 * Notifies a chat from time to time that its turn is still at work, unless the agent has sent something itself since.
 * @returns stops it
 */
export function reportLongWork(
  { store, clock, log, timings }: LongWorkOptions,
  run: { readonly id: string; readonly chatJid: string },
): () => void {
  let since = clock.now();
  const report = (): void => {
    const now = clock.now();
    try {
      if (!store.outbox.hasSaidSince(run.id, since)) {
        // Without the run's id: it is not an effect of the run, which may be retried.
        const message = { kind: 'text', text: STILL_WORKING_NOTICE } as const;
        store.outbox.add({ chatJid: run.chatJid, message, source: 'notice' }, now);
      }
    } catch (error) {
      log.warn({ err: error, run: run.id }, 'The chat could not be told that its turn is still at work');
    }
    since = now;
    timer = setTimeout(report, timings.longWorkNoticeEveryMs);
  };
  let timer = setTimeout(report, timings.longWorkNoticeAfterMs);
  return () => clearTimeout(timer);
}
