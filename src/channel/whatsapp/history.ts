import { type BaileysEventMap, type Chat, type Contact, toNumber } from '@whiskeysockets/baileys';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { ChannelListener } from '../channel.ts';
import type { Contacts } from './contacts.ts';
import type { DisappearingTimers } from './disappearing.ts';
import type { Identity } from './identity.ts';
import { isGroup } from './jid.ts';
import { timeOf } from './timestamp.ts';

/**
 * What the phone tells of the past: names, timers and when something last happened, never a message. The messages of a
 * history are not looked at, so nothing old can start a turn.
 */
export class History {
  readonly #listener: Pick<ChannelListener, 'onChat' | 'together'>;
  readonly #identity: Identity;
  readonly #contacts: Contacts;
  readonly #timers: Pick<DisappearingTimers, 'note'>;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(
    listener: Pick<ChannelListener, 'onChat' | 'together'>,
    identity: Identity,
    contacts: Contacts,
    timers: Pick<DisappearingTimers, 'note'>,
    clock: Clock,
    log: Log,
  ) {
    this.#listener = listener;
    this.#identity = identity;
    this.#contacts = contacts;
    this.#timers = timers;
    this.#clock = clock;
    this.#log = log;
  }

  take(set: BaileysEventMap['messaging-history.set']): void {
    this.#listener.together(() => {
      this.contacts(set.contacts);
      for (const chat of set.chats) this.#guarded(chat.id, () => this.#chat(chat));
    });
  }

  /** Names of people, whether from a history or as they come in. Nobody has a chat by having a name. */
  contacts(contacts: readonly Partial<Contact>[]): void {
    this.#listener.together(() => {
      for (const contact of contacts) this.#guarded(contact.id, () => this.#contact(contact));
    });
  }

  #contact({ id, phoneNumber, lid, name, notify, username }: Partial<Contact>): void {
    const jid = this.#identity.person(id, phoneNumber ?? lid);
    if (jid === undefined || jid === this.#identity.ownerJid) return;
    this.#contacts.learn(jid, name ?? notify);
    this.#contacts.learnUsername(jid, username);
  }

  #chat(chat: Chat): void {
    const jid = isGroup(chat.id) ? chat.id : this.#identity.person(chat.id, chat.pnJid ?? chat.lidJid);
    if (jid === undefined) return;
    const group = isGroup(jid);
    const seconds = toNumber(chat.conversationTimestamp ?? 0);
    const heard = group ? undefined : this.#contacts.heard(jid);
    this.#listener.onChat({
      jid,
      name: heard ?? (chat.name || undefined),
      isGroup: group,
      lastActivity: seconds > 0 ? timeOf(seconds, this.#clock.now()) : undefined,
    });
    this.#noteTimer(jid, chat);
  }

  #noteTimer(jid: string, { ephemeralExpiration: seconds, ephemeralSettingTimestamp }: Chat): void {
    const setAt = toNumber(ephemeralSettingTimestamp);
    if (typeof seconds === 'number' && setAt > 0)
      this.#timers.note(jid, { seconds, setAt }, this.#clock.now());
  }

  #guarded(id: string | null | undefined, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#log.error({ err: error, chat: id }, 'A chat of the history could not be recorded');
    }
  }
}
