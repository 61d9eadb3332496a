import type { proto } from '@whiskeysockets/baileys';
import type { Addressing, Person } from '../accounts/person.ts';

/** The kinds of files that people send; a voice message is recorded in the chat, audio is a file. */
export const MEDIA_KINDS = ['image', 'video', 'audio', 'voice', 'document', 'sticker'] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** Into what a message is packed: disappearing, to be seen once (two forms of it), a document with a caption. */
export const WRAPS = ['ephemeral', 'viewOnce', 'viewOnceV2', 'documentWithCaption'] as const;
export type Wrap = (typeof WRAPS)[number];

/** A file that somebody sends. */
export interface SaidMedia {
  kind: MediaKind;
  data: Buffer;
  /** What phones make of that kind, when absent: image/jpeg, audio/ogg; codecs=opus … */
  mimeType?: string;
  fileName?: string;
  caption?: string;
  /** How long it plays. */
  seconds?: number;
}

/** A place; degrees. */
export interface Place {
  latitude: number;
  longitude: number;
  name?: string;
  address?: string;
}

/** What somebody says on a phone: exactly one of text, media, contact, location, poll and message. */
export interface Saying {
  /** A group, the owner's own JID (the self-chat), or the other person of a direct chat. */
  chat: string;
  /** Whose chat it is, when not the owner's: `of: peter, chat: anna.jid` is what Peter writes to Anna. */
  of?: Person;
  /** Who speaks; the owner on the phone when nobody is named. */
  as?: Person;
  text?: string;
  media?: SaidMedia;
  contact?: { name: string; number: string };
  location?: Place;
  poll?: { question: string; options: readonly string[] };
  /** A message as it is encrypted, for what nothing else here makes. */
  message?: proto.IMessage;
  /** The id of the line that is answered. */
  quoted?: string;
  /** Who is mentioned; `@Name` in the text or caption becomes what the wire has instead of a name. */
  mentions?: readonly Person[];
  wrap?: Wrap;
  /** Linked devices get no more of it than that it can be opened once, on the phone. */
  onlyOnPhone?: boolean;
  /** The speaker's broadcast list by which it comes, `1@broadcast`; the chat names one of those who are in it. */
  broadcast?: string;
  /** How the chat is addressed on the wire; by default as the group is, else by phone number. */
  addressing?: Addressing;
  /** Keeps the message for the linked device's next login, even while it is connected. */
  offline?: boolean;
}

/** Whoever speaks is not in that chat. */
export class NotInChat extends Error {
  constructor(speaker: Person, chat: string) {
    super(`${speaker.name} is not in the chat ${chat}: let a member speak, or name another chat.`);
    this.name = 'NotInChat';
  }
}

/** The quoted, edited, removed or reacted-to line is not there. */
export class UnknownLine extends Error {
  constructor(id: string, chat?: string) {
    super(`There is no line ${id}${chat ? ` in ${chat}` : ''}: use the id of a line that the chat shows.`);
    this.name = 'UnknownLine';
  }
}

/** A saying that no phone could send. */
export class BadSaying extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'BadSaying';
  }
}

/** Phones do not offer this: editing what is no text, removing what somebody else said without being an admin. */
export class NotAllowed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotAllowed';
  }
}
