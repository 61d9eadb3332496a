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
  readonly replyTo?: InboundQuote | undefined;
  /** The assistant's account is mentioned: as good as its trigger, unless the account is the owner's too. */
  readonly mentionsAssistant?: boolean | undefined;
  /**
   * The text as it was written, where people who are mentioned stand by number or LID; absent: the same. Their names in `text` may
   * be any word, the trigger too.
   */
  readonly written?: string | undefined;
  /** Another instance of the assistant wrote it: it is read as the rest is, and calls nobody. */
  readonly fromAssistant?: boolean | undefined;
  /** It tells something (a reaction, somebody who joined) and calls nobody. */
  readonly isContext?: boolean | undefined;
  readonly attachments?: readonly InboundAttachment[] | undefined;
}

/** The message that an inbound one answers, as its writer quotes it. */
export interface InboundQuote {
  readonly id: string;
  /** Undefined: the quote does not say who wrote it. */
  readonly senderJid?: string | undefined;
  readonly senderName: string;
  readonly text: string;
}

export const ATTACHMENT_KINDS = ['image', 'video', 'audio', 'voice', 'document', 'sticker'] as const;
export type AttachmentKind = (typeof ATTACHMENT_KINDS)[number];

/** A file that came with a message. What its sender says of it is claimed, never trusted; its bytes are fetched later. */
export interface InboundAttachment {
  readonly kind: AttachmentKind;
  readonly mimeType?: string | undefined;
  readonly fileName?: string | undefined;
  readonly bytes?: number | undefined;
  readonly seconds?: number | undefined;
  /** How the channel finds it again, also after a restart; opaque to everybody else. */
  readonly reference: string;
}

/** What happened to a message that was told before. `id` is that message's. */
export type MessageChange =
  | {
      readonly kind: 'edit';
      readonly chatJid: string;
      readonly id: string;
      /** The platform's id of the edit itself. */
      readonly editId: string;
      readonly senderJid: string;
      readonly senderName: string;
      readonly text: string;
      readonly fromMe: boolean;
      readonly mentionsAssistant?: boolean | undefined;
      readonly written?: string | undefined;
      readonly fromAssistant?: boolean | undefined;
      /** Milliseconds since the epoch. */
      readonly timestamp: number;
    }
  | {
      readonly kind: 'delete';
      readonly chatJid: string;
      readonly id: string;
      /** Who took it back: its author, or an admin of the group. */
      readonly senderJid: string;
      readonly senderName: string;
      readonly timestamp: number;
    };

/** Somebody in a group. */
export interface Member {
  readonly jid: string;
  readonly name?: string | undefined;
  readonly isAdmin: boolean;
}

/** A chat that exists: its name and when something last happened there. */
export interface ChatInfo {
  readonly jid: string;
  readonly name?: string | undefined;
  readonly isGroup: boolean;
  /** Milliseconds since the epoch. */
  readonly lastActivity?: number | undefined;
}

/** The message that another one answers. */
export interface Quoted {
  readonly id: string;
  readonly senderJid: string;
  readonly text: string;
}

export const FILE_KINDS = ['image', 'video', 'audio', 'voice', 'document'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

export interface OutgoingText {
  readonly kind: 'text';
  readonly text: string;
  readonly quoted?: Quoted | undefined;
}

export interface OutgoingFile {
  readonly kind: 'file';
  /** Where the host's own copy lies; it is kept as long as the row that names it. */
  readonly path: string;
  /** Its size when it was taken: whoever made it may still hold it open, so no more of it is read. */
  readonly bytes: number;
  readonly as: FileKind;
  readonly mimeType: string;
  readonly fileName: string;
  readonly caption?: string | undefined;
  readonly quoted?: Quoted | undefined;
}

export interface OutgoingReaction {
  readonly kind: 'reaction';
  /** Empty: the reaction is taken back. */
  readonly emoji: string;
  readonly target: { readonly id: string; readonly senderJid: string; readonly fromMe: boolean };
}

export type Outgoing = OutgoingText | OutgoingFile | OutgoingReaction;

/** What a message says, for people who read of it elsewhere: its text, its caption or name, its emoji. */
export function wordsOf(message: Outgoing): string {
  switch (message.kind) {
    case 'text':
      return message.text;
    case 'file':
      return message.caption ?? message.fileName;
    case 'reaction':
      return message.emoji;
  }
}

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
  | {
      readonly kind: 'refused';
      readonly code: number | undefined;
      readonly reason: string;
      /** Because the account is restricted, of which `onRestriction` tells. */
      readonly restricted?: boolean | undefined;
    };

/**
 * How the fetching of an attachment ended.
 * - `fetched`: the file is there, whole and checked against what the message says of it.
 * - `too_large`: it is over the cap; nothing is left behind.
 * - `gone`: it cannot be had any more.
 * - `failed`: it may be tried again.
 */
export type FetchOutcome =
  | { readonly kind: 'fetched'; readonly bytes: number }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'gone'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * The line to the platform.
 * - `connecting`: on the way, or waiting for the next try.
 * - `unpaired`: no account yet; `qr` or `pairingCode` holds what to show, refreshed by further states.
 * - `open`: sends leave.
 * - `stopped`: it will not come back by itself; `reason` says what the owner must do.
 */
export type LineState =
  | {
      readonly status: 'connecting';
      readonly reason?: string | undefined;
      /** The phone has accepted the QR or the code just now. */
      readonly justPaired?: true | undefined;
    }
  | {
      readonly status: 'unpaired';
      readonly qr?: string | undefined;
      /** What the owner types into the phone instead of scanning. */
      readonly pairingCode?: string | undefined;
      /** Until when what is shown can be used, in milliseconds since the epoch. */
      readonly validUntil?: number | undefined;
    }
  | { readonly status: 'open' }
  | { readonly status: 'stopped'; readonly code?: number | undefined; readonly reason: string };

/** Who the assistant is on the platform. */
export interface Account {
  readonly jid: string;
  /** The chat of the owner with themselves: the main channel. */
  readonly selfChatJid: string;
  readonly name: string;
  /** Names this linking among all that there were: another one after the account was unlinked and linked again. */
  readonly linkId: string;
}

/**
 * Called by the channel. What it tells is committed when the listener returns, or kept in memory until the database takes it;
 * where the channel has to know which, the result says it. Only `onMessage` and `onChange` may throw.
 */
export interface ChannelListener {
  /**
   * @param later called when it is committed after false was returned; the channel need not bring it again then
   * @returns false: it is kept in memory and not committed yet; the channel brings it again at the next start
   */
  onMessage(message: InboundMessage, later?: () => void): boolean;
  /** A message was edited or taken back. @returns as `onMessage` does */
  onChange(change: MessageChange, later?: () => void): boolean;
  onChat(chat: ChatInfo): void;
  /** Who is in a group now: the whole list, the account included. Empty: the account is not in it any more. */
  onMembers(chatJid: string, members: readonly Member[]): void;
  /**
   * All groups that the account is in, as the platform has just listed them; each was told by `onChat` and `onMembers`
   * before. An answer gone wrong is told too: one that is empty, above all.
   */
  onAllGroups(chatJids: readonly string[]): void;
  /**
   * Two names turned out to be one person or chat: `from` is not used any more from now on, `to` is.
   * @returns whether it is committed; false: it is kept in memory, and the channel tells it again
   */
  onSamePerson(from: string, to: string): boolean;
  /** The platform restricts the account: for the owner. Undefined: it does not any more. */
  onRestriction(reason: string | undefined): void;
  onLine(state: LineState): void;
  /**
   * The account is known and the line opens: told before `onLine` says so. `firstPairing` is true until this has returned
   * true once in the life of these credentials; a crash right then repeats it.
   * @returns whether it is committed; false: it is kept in memory, and told again when the line opens next
   */
  onAccount(account: Account, firstPairing: boolean): boolean;
  /** Commits as one what `tell` tells by `onChat`, `onMembers`, `onAllGroups` and `onSamePerson`: hundreds come at a time. */
  together(tell: () => void): void;
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
  /**
   * Fetches an attachment into a new file. Never rejects.
   * @param file a path that does not exist yet; nothing is left there unless the outcome is `fetched`
   * @param maxBytes more than this is `too_large`, whatever the message claimed
   */
  fetch(reference: string, file: string, maxBytes: number, signal: AbortSignal): Promise<FetchOutcome>;
  /**
   * Asks the platform for all groups the account is in and reports each by `onChat` and `onMembers`, then all by
   * `onAllGroups`. Rejects while the line is away.
   */
  syncGroups(): Promise<number>;
}
