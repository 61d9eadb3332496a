import type { Channel } from '../channel/channel.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { BEHIND_TASK_NOTICE } from './notices.ts';
import { showTyping } from './typing.ts';

export interface WaitingChatsOptions {
  readonly store: Store;
  readonly channel: Pick<Channel, 'setTyping'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Pick<Timings, 'typingRefreshMs' | 'waitNoticeAfterMs'>;
}

interface Shown {
  readonly stopTyping: () => void;
  notice: NodeJS.Timeout | undefined;
  isExplained: boolean;
}

/**
 * What a chat sees while its turn could start but for a place: "typing…", and one line when it waits behind a scheduled task
 * for long.
 */
export class WaitingChats {
  readonly #options: WaitingChatsOptions;
  readonly #shown = new Map<string, Shown>();

  constructor(options: WaitingChatsOptions) {
    this.#options = options;
  }

  /** @param waiting the chats that wait now, and whether a scheduled task is what they wait for */
  update(waiting: ReadonlyMap<string, { readonly isBehindTask: boolean }>): void {
    for (const chatJid of this.#shown.keys()) if (!waiting.has(chatJid)) this.end(chatJid);
    const { channel, timings } = this.#options;
    for (const [chatJid, { isBehindTask }] of waiting) {
      const stopTyping =
        this.#shown.get(chatJid)?.stopTyping ?? showTyping(channel, chatJid, timings.typingRefreshMs);
      const shown = this.#shown.get(chatJid) ?? { stopTyping, notice: undefined, isExplained: false };
      this.#shown.set(chatJid, shown);
      if (isBehindTask && !shown.isExplained)
        shown.notice ??= setTimeout(() => this.#explain(chatJid, shown), timings.waitNoticeAfterMs);
      // The task has ended, and other people have the places.
      if (!isBehindTask) {
        clearTimeout(shown.notice);
        shown.notice = undefined;
      }
    }
  }

  /** A chat waits no more. To be called before its turn starts, which shows "typing…" itself. */
  end(chatJid: string): void {
    const shown = this.#shown.get(chatJid);
    shown?.stopTyping();
    clearTimeout(shown?.notice);
    this.#shown.delete(chatJid);
  }

  #explain(chatJid: string, shown: Shown): void {
    const { store, clock, log } = this.#options;
    shown.isExplained = true;
    try {
      const message = { kind: 'text', text: BEHIND_TASK_NOTICE } as const;
      store.outbox.add({ chatJid, message, source: 'notice' }, clock.now());
    } catch (error) {
      log.warn({ err: error, chat: chatJid }, 'The chat could not be told that it waits behind a task');
    }
  }
}
