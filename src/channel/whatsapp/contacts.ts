import type { Identity } from './identity.ts';
import { bareUser } from './jid.ts';

/** What people call themselves, as far as this process has heard. Lost at exit: messages bring the names anew. */
export class Contacts {
  readonly #identity: Identity;
  readonly #ownerName: () => string | undefined;
  readonly #names = new Map<string, string>();

  constructor(identity: Identity, ownerName: () => string | undefined) {
    this.#identity = identity;
    this.#ownerName = ownerName;
  }

  /** Remembers a name, if there is one; `jid` in its one form. */
  learn(jid: string, name: string | null | undefined): void {
    const trimmed = name?.trim();
    if (trimmed) this.#names.set(jid, trimmed);
  }

  /** The name, if one was heard; `jid` in its one form. */
  heard(jid: string): string | undefined {
    return jid === this.#identity.ownerJid ? this.#ownerName() || undefined : this.#names.get(jid);
  }

  /** The name, or the number in its place. */
  nameOf(jid: string): string {
    return this.heard(jid) ?? `+${bareUser(jid)}`;
  }
}
