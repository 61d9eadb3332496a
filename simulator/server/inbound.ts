import { randomBytes } from 'node:crypto';
import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import type { Correspondent, Sealed } from '../accounts/device.ts';
import { UnknownJid } from '../accounts/directory.ts';
import type { Group } from '../accounts/group.ts';
import { readRetryBundle } from '../accounts/key-bundle.ts';
import { type Addressing, addressOf, type Person } from '../accounts/person.ts';
import type { ChatLine } from '../events.ts';
import { child, seconds } from '../wire/nodes.ts';
import type { Service } from './service.ts';

/** Message ids of WhatsApp's Android app are 32 hex digits. */
const ID_BYTES = 16;

/** What somebody says on a phone. */
export interface Saying {
  /** A group, the owner's own JID (the self-chat), or the other person of a direct chat. */
  chat: string;
  /** Who speaks; the owner on the phone when nobody is named. */
  as?: Person;
  text: string;
  /** The id of the line that is answered. */
  quoted?: string;
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

/** The quoted line is not in that chat. */
export class UnknownLine extends Error {
  constructor(id: string, chat: string) {
    super(`There is no line ${id} in ${chat}: quote the id of a line that the chat shows.`);
    this.name = 'UnknownLine';
  }
}

interface Addressed {
  speaker: Person;
  chat: string;
  group?: Group;
  /** The other person of a direct chat; the owner in the self-chat. */
  peer?: Person;
  addressing: Addressing;
}

function address(service: Service, saying: Saying): Addressed {
  const { directory } = service;
  const speaker = saying.as ?? directory.owner;
  const group = directory.findGroup(saying.chat);
  if (group) {
    if (!group.members.some((member) => member.jid === speaker.jid))
      throw new NotInChat(speaker, saying.chat);
    return { speaker, chat: group.jid, group, addressing: saying.addressing ?? group.addressing };
  }
  const peer = directory.find(saying.chat);
  if (!peer) throw new UnknownJid(saying.chat);
  if (speaker.jid !== directory.owner.jid && speaker.jid !== peer.jid)
    throw new NotInChat(speaker, saying.chat);
  return { speaker, chat: peer.jid, peer, addressing: saying.addressing ?? 'pn' };
}

function content(service: Service, saying: Saying, { chat, addressing }: Addressed): proto.IMessage {
  if (saying.quoted === undefined) return { conversation: saying.text };
  const quoted = service.chats.find(chat, saying.quoted);
  if (!quoted) throw new UnknownLine(saying.quoted, chat);
  return {
    extendedTextMessage: {
      text: saying.text,
      contextInfo: {
        stanzaId: quoted.id,
        participant: addressOf(service.directory.person(quoted.from), addressing),
        quotedMessage: { conversation: quoted.text },
      },
    },
  };
}

/** The attributes that say who wrote to which chat; the other form of the name stands beside it. */
function envelope(service: Service, to: Addressed): BinaryNode['attrs'] {
  const { speaker, addressing, group, peer } = to;
  const other: Addressing = addressing === 'lid' ? 'pn' : 'lid';
  const from = addressOf(speaker, addressing);
  if (group) {
    return {
      from: group.jid,
      participant: from,
      [`participant_${other}`]: addressOf(speaker, other),
      addressing_mode: addressing,
    };
  }
  if (peer && speaker.jid === service.directory.owner.jid) {
    return {
      from,
      recipient: addressOf(peer, addressing),
      [`peer_recipient_${other}`]: addressOf(peer, other),
      addressing_mode: addressing,
    };
  }
  return { from, [`sender_${other}`]: addressOf(speaker, other), addressing_mode: addressing };
}

async function seal(
  service: Service,
  companion: Correspondent,
  to: Addressed,
  message: proto.IMessage,
): Promise<Sealed[]> {
  const phone = service.directory.phone(to.speaker);
  if (to.group) {
    return phone.encryptGroup(to.group.jid, addressOf(to.speaker, to.addressing), companion, message);
  }
  if (!to.peer || to.speaker.jid !== service.directory.owner.jid)
    return [await phone.encrypt(companion, message)];
  const destinationJid = addressOf(to.peer, to.addressing);
  return [await phone.encrypt(companion, { deviceSentMessage: { destinationJid, message } })];
}

/** Writes ciphertexts as the `<enc>` elements of a message. */
export function encElements(sealed: readonly Sealed[]): BinaryNode[] {
  return sealed.map(({ type, ciphertext }) => ({ tag: 'enc', attrs: { v: '2', type }, content: ciphertext }));
}

/** A new message id as a phone makes it. */
export function newMessageId(): string {
  return randomBytes(ID_BYTES).toString('hex').toUpperCase();
}

interface Said {
  to: Addressed;
  message: proto.IMessage;
  attrs: BinaryNode['attrs'];
}

/** In a `skmsg`: inside the id of the sender key, which then nobody knows. */
const SENDER_KEY_ID = 2;
/** In the others, from the end: inside what the message's authenticity is checked by. */
const MAC_FROM_END = 12;

/** Spoils the last ciphertext of a message, the one with the text, so that it cannot be decrypted. */
function garble(sealed: readonly Sealed[]): Sealed[] {
  const last = sealed.at(-1);
  if (!last) return [];
  const spoilt = Buffer.from(last.ciphertext);
  spoilt[last.type === 'skmsg' ? SENDER_KEY_ID : spoilt.length - MAC_FROM_END]! ^= 1;
  return [...sealed.slice(0, -1), { type: last.type, ciphertext: spoilt }];
}

/** Turns what people say on their phones into messages for the linked devices, one after the other. */
export class Inbound {
  readonly #service: Service;
  readonly #said = new Map<string, Said>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(service: Service) {
    this.#service = service;
  }

  /**
   * Shows the line in the chat and hands the message to every linked device, at once or at its next login. Rejects
   * with UnknownJid, NotInChat or UnknownLine, and then nothing was said.
   */
  say(saying: Saying): Promise<ChatLine> {
    const said = this.#turn.then(() => this.#say(saying));
    this.#turn = said.catch(() => undefined);
    return said;
  }

  /**
   * A linked device could not read a message and asks for it again: the phone opens a new session, with the keys
   * that came along if there are some. False when nothing was said under that id.
   */
  resend(companion: Companion, receipt: BinaryNode): Promise<boolean> {
    const resent = this.#turn.then(() => this.#resend(companion, receipt));
    this.#turn = resent.catch(() => undefined);
    return resent;
  }

  async #resend(companion: Companion, receipt: BinaryNode): Promise<boolean> {
    const said = this.#said.get(receipt.attrs.id ?? '');
    if (!said) return false;
    const bundle = readRetryBundle(receipt);
    const to = bundle ? { lid: companion.lid, takeBundle: () => bundle } : companion;
    await this.#service.directory.phone(said.to.speaker).forget(companion.lid);
    const sealed = await seal(this.#service, to, said.to, said.message);
    const count = child(receipt, 'retry')?.attrs.count ?? '1';
    const content = encElements(sealed).map((enc) => ({ ...enc, attrs: { ...enc.attrs, count } }));
    this.#service.queue(companion).add({ tag: 'message', attrs: said.attrs, content });
    return true;
  }

  async #say(saying: Saying): Promise<ChatLine> {
    const { directory, chats, log, faults } = this.#service;
    const to = address(this.#service, saying);
    const message = content(this.#service, saying, to);
    const at = Date.now();
    const line: ChatLine = {
      id: newMessageId(),
      chat: to.chat,
      from: to.speaker.jid,
      fromName: to.speaker.name,
      fromMe: to.speaker.jid === directory.owner.jid,
      byDevice: false,
      text: saying.text,
      ...(saying.quoted !== undefined && { quotedId: saying.quoted }),
      at,
    };
    log.write({
      kind: 'message',
      direction: 'out',
      chat: line.chat,
      sender: line.from,
      id: line.id,
      text: line.text,
      type: 'text',
    });
    const attrs = {
      id: line.id,
      type: 'text',
      t: seconds(at),
      notify: to.speaker.name,
      ...envelope(this.#service, to),
    };
    this.#said.set(line.id, { to, message, attrs });
    for (const companion of directory.companions) {
      const sealed = await seal(this.#service, companion, to, message);
      const content = encElements(faults.takeGarble() ? garble(sealed) : sealed);
      const stanza: BinaryNode = { tag: 'message', attrs, content };
      this.#service.queue(companion).add(stanza, saying.offline ?? false);
    }
    chats.add(line);
    return line;
  }
}
