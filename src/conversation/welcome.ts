import type { Account } from '../channel/channel.ts';
import type { Clock } from '../clock.ts';
import { registerMain, unregisterGroup } from '../groups/registration.ts';
import type { Log } from '../log.ts';
import { OTHER_ACCOUNT } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { closedWithAccount, hello } from './notices.ts';

/** WhatsApp hands no message to a device that was not linked when it was written. */
const LINKED_AGAIN =
  'ℹ️ I am back: this account is linked again, and I go on with what I know. What was written meanwhile I have not seen.';

const CLOSED_BECAUSE = 'it was for a chat of the account that was linked before';

/**
 * The owner's chat with themselves becomes the main channel at the first connection. Each linking is greeted once: the owner
 * sees that it works.
 */
export class Welcome {
  readonly #store: Store;
  readonly #assistantName: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #greeting: number | undefined;

  constructor(store: Store, assistantName: string, clock: Clock, log: Log) {
    this.#store = store;
    this.#assistantName = assistantName;
    this.#clock = clock;
    this.#log = log;
  }

  /** The outbox's row of the greeting of this process; undefined: there was none to say. */
  get greeting(): number | undefined {
    return this.#greeting;
  }

  onAccount(account: Account, firstPairing: boolean): void {
    const store = this.#store;
    const now = this.#clock.now();
    store.transaction(() => {
      const before = store.state.get('account');
      store.state.set('account', account.selfChatJid);
      const main = registerMain(store, account.selfChatJid, `@${this.#assistantName}`, now);
      if (before !== undefined && before !== account.selfChatJid) this.#closeWaiting(account, now);
      if (main.jid === before && before !== account.selfChatJid) {
        // Another account was paired: whoever has the old number must not keep the rights of the main channel.
        // A chat with the assistant that this account had until now becomes the main channel.
        if (store.groups.find(account.selfChatJid) !== undefined)
          unregisterGroup(store, account.selfChatJid, now);
        store.groups.moveMain(account.selfChatJid);
        this.#log.warn(
          { from: before, to: account.selfChatJid },
          'The main channel moved to the chat of the new account',
        );
      } else if (main.jid !== account.selfChatJid) {
        const chats = { main: main.jid, account: account.selfChatJid };
        this.#log.warn(chats, 'The main channel is not the chat of this account with itself');
      }
      // A crash right after the hello was committed makes the channel say once more that the linking is new.
      if (!firstPairing || store.state.get('account:link') === account.linkId) return;
      store.state.set('account:link', account.linkId);
      // What the greeting says of the absence is all that there is to say.
      store.state.set('line:lost', '');
      const text = before === account.selfChatJid ? LINKED_AGAIN : hello(this.#assistantName);
      const message = { kind: 'text', text } as const;
      this.#greeting = store.outbox.add({ chatJid: account.selfChatJid, message, source: 'notice' }, now);
    });
  }

  /** Another number must not say what was meant for the chats of the one before. Main's tasks go on in the new main channel. */
  #closeWaiting(account: Account, now: number): void {
    const store = this.#store;
    const main = store.groups.main();
    const closed = {
      messages: store.outbox.closeOpen(CLOSED_BECAUSE, now),
      chats: store.messages.waiting().length,
      runs: store.runs.endOpen({ exitReason: OTHER_ACCOUNT, error: CLOSED_BECAUSE }, now, main?.folder),
    };
    store.attachments.giveUpWaiting(CLOSED_BECAUSE, now);
    for (const { jid } of store.groups.all()) store.messages.moveCursorToEnd(jid);
    this.#log.warn(closed, 'Another account was linked; what waited for chats of the one before was closed');
    const text = closedWithAccount(closed);
    if (text === undefined) return;
    store.outbox.add(
      { chatJid: account.selfChatJid, message: { kind: 'text', text }, source: 'notice' },
      now,
    );
  }
}
