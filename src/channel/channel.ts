/** What a chat platform is to the rest of the house. Nothing here is WhatsApp's own. */

/** A person's message, its identities already normalised to one form per chat and person. */
export interface InboundMessage {
  readonly chatJid: string;
  /** The platform's id of the message: unique together with chat and sender. */
  readonly id: string;
  readonly senderJid: string;
  readonly senderName: string;
  readonly text: string;
  /** When it was written, in milliseconds since the epoch, as the platform says. */
  readonly timestamp: number;
  /** Written by the owner's account, on whatever device. */
  readonly fromMe: boolean;
  readonly isGroup: boolean;
  readonly replyTo?: { readonly id: string; readonly senderName: string; readonly text: string } | undefined;
}

/** A chat that exists: its name and when something last happened there. */
export interface ChatInfo {
  readonly jid: string;
  readonly name?: string | undefined;
  readonly isGroup: boolean;
  /** Milliseconds since the epoch. */
  readonly lastActivity?: number | undefined;
}

export type Outgoing = {
  readonly kind: 'text';
  readonly text: string;
  /** The message that this one answers. */
  readonly quoted?: { readonly id: string; readonly senderJid: string; readonly text: string } | undefined;
};

/**
 * How a send ended.
 * - `acked`: the server has it.
 * - `not_sent`: nothing left this machine; it may be tried again with the same id at any time.
 * - `unconfirmed`: bytes left and no answer came in time; a resend under the same id may put a second copy on the wire.
 * - `refused`: the server said no; trying again is useless or harmful.
 */
export type SendOutcome =
  | { readonly kind: 'acked' }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unconfirmed'; readonly reason: string }
  | { readonly kind: 'refused'; readonly code: number | undefined; readonly reason: string };

/**
 * The line to the platform.
 * - `connecting`: on the way, or waiting for the next try.
 * - `unpaired`: no account yet; `qr` holds what to show, refreshed by further states.
 * - `open`: sends leave.
 * - `stopped`: it will not come back by itself; `reason` says what the owner must do.
 */
export type LineState =
  | { readonly status: 'connecting'; readonly reason?: string | undefined }
  | { readonly status: 'unpaired'; readonly qr?: string | undefined }
  | { readonly status: 'open' }
  | { readonly status: 'stopped'; readonly code?: number | undefined; readonly reason: string };

/** Who the assistant is on the platform. */
export interface Account {
  readonly jid: string;
  /** The chat of the owner with themselves: the main channel. */
  readonly selfChatJid: string;
  readonly name: string;
}

/** Called by the channel. Each returns only when what it was told is committed: receipts may leave right after. */
export interface ChannelListener {
  onMessage(message: InboundMessage): void;
  onChat(chat: ChatInfo): void;
  onLine(state: LineState): void;
  /**
   * The account is known and the line opens: told before `onLine` says so. `firstPairing` is true until this has returned
   * once in the life of these credentials; a crash right then repeats it.
   */
  onAccount(account: Account, firstPairing: boolean): void;
}

export interface Channel {
  /** Begins connecting. Resolves at once; what follows is told by `onLine`. Calling it twice is harmless. */
  start(): Promise<void>;
  /** Closes the line and waits until it is closed. Calling it twice is harmless. */
  stop(): Promise<void>;
  readonly state: LineState;
  /** An id for the platform's wire, chosen before the send so that a resend can keep it. */
  newWireId(): string;
  /** Never rejects: what the world does wrong is an outcome. */
  send(chatJid: string, message: Outgoing, wireId: string): Promise<SendOutcome>;
  /** Shows or ends "typing…" in a chat. Best effort: failures are logged, never thrown. */
  setTyping(chatJid: string, typing: boolean): Promise<void>;
  /** Asks the platform for all groups the account is in and reports each by `onChat`. Rejects while the line is away. */
  syncGroups(): Promise<number>;
}
