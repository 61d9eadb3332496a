import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';

/**
 * What the platform does not let the account do. The owner is told once when it begins and once when it has ended.
 * To a chat that a message was refused to nothing more goes until then, or until somebody writes there: each further try
 * worsens the restriction. What is said meanwhile fails, as the owner was told, rather than to arrive days later.
 */
export class Restriction {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  /** What was reported last to this process, stored or not. */
  #reported: string | undefined;

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * What is reported holds at once.
   * @param reason for people; undefined: there is none any more
   * @param commit runs the write that records it, now or as soon as the database allows it
   */
  report(reason: string | undefined, commit: (write: () => void) => void = (write) => write()): void {
    this.#reported = reason ?? '';
    commit(() => this.#record(reason));
  }

  #record(reason: string | undefined): void {
    const known = this.#store.state.get('restriction') ?? '';
    const news = reason ?? '';
    if (news === known) return;
    this.#log.warn(
      { restriction: news },
      news === '' ? 'The restriction was lifted' : 'The account is restricted',
    );
    this.#store.transaction(() => {
      this.#store.state.set('restriction', news);
      if (news === '') {
        this.#store.state.set('restriction:chats', '');
        this.#tell('✅ WhatsApp has lifted the restriction of this account.');
      } else if (known === '')
        this.#tell(`⚠️ ${news}. What I write to such people does not arrive; other chats go on.`);
    });
  }

  /** A message to that chat was refused because of the restriction. */
  refused(chatJid: string): void {
    const chats = new Set([...this.#chats(), chatJid]);
    this.#store.state.set('restriction:chats', [...chats].join(' '));
  }

  /**
   * Somebody wrote in that chat: to answer them begins no chat. Never throws.
   * @param commit as for `report`
   */
  heardFrom(chatJid: string, commit: (write: () => void) => void = (write) => write()): void {
    try {
      if (!this.#chats().includes(chatJid)) return;
      commit(() => {
        const others = this.#chats().filter((each) => each !== chatJid);
        this.#store.state.set('restriction:chats', others.join(' '));
      });
    } catch (error) {
      this.#log.warn(
        { err: error, chat: chatJid },
        'A chat stays restricted until somebody writes there again',
      );
    }
  }

  /** Whether a message to that chat would be refused again. */
  forbids(chatJid: string): boolean {
    const restriction = this.#reported ?? this.#store.state.get('restriction');
    return Boolean(restriction) && this.#chats().includes(chatJid);
  }

  #chats(): readonly string[] {
    const chats = this.#store.state.get('restriction:chats') ?? '';
    return chats
      .split(' ')
      .filter(Boolean)
      .map((jid) => this.#store.samePerson.current(jid));
  }

  #tell(text: string): void {
    const main = this.#store.groups.main();
    if (main === undefined) return;
    this.#store.outbox.add(
      { chatJid: main.jid, message: { kind: 'text', text }, source: 'notice' },
      this.#clock.now(),
    );
  }
}
