import { type BinaryNode, extractAddressingContext } from '@whiskeysockets/baileys';
import type { Identity } from './identity.ts';
import { personAddress } from './jid.ts';

/** What people call themselves, as far as this process has heard. Lost at exit: messages bring the names anew. */
export class Contacts {
  readonly #identity: Identity;
  readonly #ownerName: () => string | undefined;
  readonly #names = new Map<string, string>();
  readonly #usernames = new Map<string, string>();

  constructor(identity: Identity, ownerName: () => string | undefined) {
    this.#identity = identity;
    this.#ownerName = ownerName;
  }

  /** Remembers a name, if there is one; `jid` in its one form. */
  learn(jid: string, name: string | null | undefined): void {
    const trimmed = name?.trim().toWellFormed();
    if (trimmed) this.#names.set(jid, trimmed);
  }

  /** Remembers a username, if there is one; `jid` in its one form. */
  learnUsername(jid: string, username: string | null | undefined): void {
    if (username) this.#usernames.set(jid, username);
  }

  /** Remembers the usernames in a message's stanza, of which Baileys (rc14) does not tell all. */
  learnFrom(node: BinaryNode): void {
    const { from, participant, recipient, username, participant_username, ...attrs } = node.attrs;
    const sender = this.#identity.person(participant ?? from, extractAddressingContext(node).senderAlt);
    if (sender !== undefined) this.learnUsername(sender, participant_username ?? username);
    const peer = this.#identity.person(recipient, attrs.peer_recipient_pn ?? attrs.peer_recipient_lid);
    if (peer !== undefined)
      this.learnUsername(peer, attrs.peer_recipient_username ?? attrs.recipient_username);
  }

  /** The name that was heard, or else the username; `jid` in its one form. */
  heard(jid: string): string | undefined {
    if (jid === this.#identity.ownerJid) return this.#ownerName() || undefined;
    return this.#names.get(jid) ?? this.#usernames.get(jid);
  }

  /** The name, or in its place the number; of who has no visible number, the LID as such. */
  nameOf(jid: string): string {
    const heard = this.heard(jid);
    if (heard !== undefined) return heard;
    const address = personAddress(jid);
    return address?.kind === 'lid' ? `user ${address.user}` : `+${address?.user ?? ''}`;
  }
}
