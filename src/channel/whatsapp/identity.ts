import { isBroadcastList, isGroup, type PersonAddress, personAddress, personJid } from './jid.ts';

/** Which phone number a LID stands for, kept across restarts. Users only, no server parts. */
export interface NumberBook {
  numberOf(lid: string): string | undefined;
  /** The LID that a phone number is known under. */
  lidOf(number: string): string | undefined;
  /** What `learnNumber` was told last; `numberOf` may know more. */
  learntNumber(lid: string): string | undefined;
  learnNumber(lid: string, number: string): void;
}

/** The owner's account as Baileys knows it; both forms may carry a device. */
export interface OwnerAddress {
  readonly id: string;
  readonly lid?: string | undefined;
}

/** What of a message's key says where it belongs. */
export interface MessageKey {
  readonly remoteJid?: string | null | undefined;
  readonly remoteJidAlt?: string | null | undefined;
  readonly participant?: string | null | undefined;
  readonly participantAlt?: string | null | undefined;
  readonly fromMe?: boolean | null | undefined;
}

/**
 * One form for each person and chat: the phone number where it is known, else the LID, never a device.
 * What one message tells of a LID's number holds for all later ones.
 */
export class Identity {
  readonly #book: NumberBook;
  readonly #owner: () => OwnerAddress | undefined;
  readonly #onSamePerson: (from: string, to: string) => boolean;

  /**
   * @param owner asked anew each time, for the LID becomes known only at the first login
   * @param onSamePerson told of each LID whose number has become known, before anybody is told the number in its place,
   *   and again until it says that it has committed that
   */
  constructor(
    book: NumberBook,
    owner: () => OwnerAddress | undefined,
    onSamePerson: (from: string, to: string) => boolean = () => true,
  ) {
    this.#book = book;
    this.#owner = owner;
    this.#onSamePerson = onSamePerson;
  }

  /** The owner's own form, which is also their chat with themselves; undefined before pairing. */
  get ownerJid(): string | undefined {
    const address = personAddress(this.#owner()?.id);
    return address && personJid(address);
  }

  isOwner(jid: string | null | undefined): boolean {
    const address = personAddress(jid);
    return address !== undefined && this.#isOwner(address);
  }

  /**
   * The one form of a person; undefined if `jid` is no person's.
   * @param alt the same person in the other form, if the message told it
   */
  person(jid: string | null | undefined, alt?: string | null): string | undefined {
    const address = personAddress(jid);
    if (address === undefined) return undefined;
    if (this.#isOwner(address)) return this.ownerJid;
    const other = personAddress(alt);
    if (other !== undefined && other.kind !== address.kind && !this.#isOwner(other)) {
      const [lid, phone] = address.kind === 'lid' ? [address, other] : [other, address];
      this.#learn(lid.user, phone.user);
      return personJid(phone);
    }
    if (address.kind === 'phone') return personJid(address);
    const number = this.#numberOf(address.user);
    if (number === undefined) return personJid(address);
    this.#learn(address.user, number);
    return personJid({ kind: 'phone', user: number });
  }

  /** The LID of a person in their one form; undefined where none is known. */
  lid(jid: string): string | undefined {
    const address = personAddress(jid);
    if (address?.kind !== 'phone') return address && personJid(address);
    const own = this.#isOwner(address) ? personAddress(this.#owner()?.lid)?.user : undefined;
    const user = own ?? this.#book.lidOf(address.user);
    return user === undefined ? undefined : personJid({ kind: 'lid', user });
  }

  /**
   * The one form of a message's chat; undefined for what is no chat with people (status, channels, bots), and for what the owner
   * sends to a broadcast list.
   */
  chat(key: MessageKey): string | undefined {
    if (isGroup(key.remoteJid)) return key.remoteJid;
    if (isBroadcastList(key.remoteJid)) {
      const writer = this.sender(key);
      return writer === this.ownerJid ? undefined : writer;
    }
    // Of the owner's own messages the other form may be the owner's, not the chat's: `person` does not believe that.
    return this.person(key.remoteJid, key.remoteJidAlt);
  }

  /** The one form of who wrote a message. */
  sender(key: MessageKey): string | undefined {
    if (key.fromMe) return this.ownerJid;
    if (isGroup(key.remoteJid)) return this.person(key.participant, key.participantAlt);
    // Baileys (rc14) puts the other form of the writer where that of the chat belongs.
    if (isBroadcastList(key.remoteJid))
      return this.person(key.participant, key.participantAlt ?? key.remoteJidAlt);
    return this.person(key.remoteJid, key.remoteJidAlt);
  }

  #isOwner(address: PersonAddress): boolean {
    const owner = this.#owner();
    const known = personAddress(address.kind === 'phone' ? owner?.id : owner?.lid);
    return known !== undefined && known.user === address.user;
  }

  #numberOf(lid: string): string | undefined {
    const number = this.#book.numberOf(lid);
    // Baileys may have taken the owner's number for that of the person they wrote to.
    return number !== undefined && this.#isOwner({ kind: 'phone', user: number }) ? undefined : number;
  }

  #learn(lid: string, number: string): void {
    if (this.#book.learntNumber(lid) === number) return;
    const from = personJid({ kind: 'lid', user: lid });
    const to = personJid({ kind: 'phone', user: number });
    if (this.#onSamePerson(from, to)) this.#book.learnNumber(lid, number);
  }
}
