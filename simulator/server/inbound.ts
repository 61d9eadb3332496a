import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import { readRetryBundle } from '../accounts/key-bundle.ts';
import type { Addressing, Person } from '../accounts/person.ts';
import type { ChatLine } from '../events.ts';
import { download, upload } from '../media/files.ts';
import { answerReupload } from '../media/reupload.ts';
import { type Act, editOf, isEditable, reactionOf, removalOf, withText } from '../messages/acts.ts';
import { assertOneThing, compose, type References, timerSetting } from '../messages/compose.ts';
import { readMentions, writeMentions } from '../messages/mentions.ts';
import { withoutContext } from '../messages/parts.ts';
import { contentType, read, unwrap } from '../messages/read.ts';
import { NotAllowed, type Saying, UnknownLine } from '../messages/saying.ts';
import { stanzaAttributes } from '../messages/stanza.ts';
import { child, seconds } from '../wire/nodes.ts';
import { type Addressed, address, addressAbout, envelope, keyOf } from './addressed.ts';
import { newMessageId } from './message-id.ts';
import { encElements, garble, seal } from './sealing.ts';
import type { Service } from './service.ts';
import { expirationOf, settingIn } from './timers.ts';
import { postStatus, type ToBot, writeToBot } from './unshown.ts';

/** In place of a ciphertext: what can be opened once is not for linked devices. */
const ONLY_ON_PHONE: BinaryNode = {
  tag: 'unavailable',
  attrs: { type: 'view_once_unavailable_fanout' },
};

function byHand({ jid }: Person): { by: string; byDevice: boolean } {
  return { by: jid, byDevice: false };
}

/** How a later act goes out; as the line did, when nothing is said. */
export type How = Pick<Saying, 'addressing' | 'offline'>;

interface Handing extends How {
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  /** The attribute that says that the message changes another one. */
  edit?: string;
  onlyOnPhone?: boolean;
}

interface Said {
  to: Addressed;
  message: proto.IMessage;
  /** All but who wrote to which chat. */
  attrs: BinaryNode['attrs'];
  encAttrs: BinaryNode['attrs'];
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
   * with UnknownJid, NotInChat, UnknownLine or BadSaying, and then nothing was said.
   */
  say(saying: Saying): Promise<ChatLine> {
    return this.#inTurn(() => this.#say(saying));
  }

  /** Somebody sets after how many seconds the messages of a direct chat disappear; 0: they stay. Rejects as `say` does. */
  setTimer(where: Pick<Saying, 'chat' | 'of' | 'as' | keyof How>, seconds: number): Promise<void> {
    return this.#inTurn(async () => {
      const to = address(this.#service, where);
      const timer = { seconds, at: Date.now() };
      this.#service.timers.set(undefined, [to.speaker, to.hearer ?? to.speaker], timer);
      await this.#hand(to, timerSetting(timer), { ...where, id: newMessageId(), at: timer.at });
    });
  }

  /** The author of a line changes its text or caption. Rejects with UnknownLine, NotAllowed or NotInChat. */
  edit(lineId: string, text: string, how: How = {}): Promise<ChatLine> {
    return this.#inTurn(async () => {
      const { line, original } = this.#line(lineId);
      if (!isEditable(original)) throw new NotAllowed(`The line ${lineId} has no text that could be edited.`);
      const author = this.#service.directory.person(line.from);
      const to = this.#address(line, author, how);
      const act = editOf(keyOf(this.#service, line, to), original, text, Date.now());
      await this.#act(to, act, how);
      return this.#service.chats.edit(line, byHand(author), { text }, withText(original, text));
    });
  }

  /**
   * Removes a line for everybody: its author, or `by`, who is then an admin of the group. Rejects with UnknownLine,
   * NotAllowed or NotInChat.
   */
  remove(lineId: string, { by, ...how }: How & { by?: Person } = {}): Promise<ChatLine> {
    return this.#inTurn(async () => {
      const { line } = this.#line(lineId);
      const remover = by ?? this.#service.directory.person(line.from);
      const to = this.#address(line, remover, how);
      if (remover.jid !== line.from && !to.group?.isAdmin(remover)) {
        throw new NotAllowed(`${remover.name} cannot remove the line ${lineId}: its author and admins can.`);
      }
      await this.#act(to, removalOf(keyOf(this.#service, line, to)), how);
      return this.#service.chats.remove(line, byHand(remover));
    });
  }

  /** Somebody (the owner, if nobody is named) reacts to a line; "" takes it back. Rejects as `remove` does. */
  react(lineId: string, emoji: string, { as, ...how }: How & { as?: Person } = {}): Promise<ChatLine> {
    return this.#inTurn(async () => {
      const { line } = this.#line(lineId);
      const speaker = as ?? this.#service.directory.owner;
      const to = this.#address(line, speaker, how);
      await this.#act(to, reactionOf(keyOf(this.#service, line, to), emoji, Date.now()), how);
      return this.#service.chats.react(line, byHand(speaker), emoji);
    });
  }

  /** The owner writes to a bot on the phone; see ToBot. Resolves with the message's id. */
  writeToBot(saying: ToBot): Promise<string> {
    return this.#inTurn(() => writeToBot(this.#service, saying));
  }

  /** Somebody posts a status; see postStatus. Resolves with its id. */
  postStatus(as: Person, text: string, tag?: 'status' | 'message'): Promise<string> {
    return this.#inTurn(() => postStatus(this.#service, as, text, tag));
  }

  /** A linked device cannot download a file and asks the phone to upload it again. */
  reupload(companion: Companion, request: BinaryNode): void {
    const said = this.#said.get(request.attrs.id ?? '');
    const message = said && unwrap(said.message);
    const answer = answerReupload(this.#service.media.store, request, message);
    this.#service.queue(companion).add(answer);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #line(id: string): { line: ChatLine; original: proto.IMessage } {
    const line = this.#service.chats.byId(id);
    const original = this.#service.chats.message(id);
    if (!line || !original) throw new UnknownLine(id);
    return { line, original };
  }

  #address(line: ChatLine, as: Person, { addressing }: How): Addressed {
    return addressAbout(this.#service, line, as, addressing);
  }

  #act(to: Addressed, { message, edit }: Act, how: How): Promise<void> {
    return this.#hand(to, message, { id: newMessageId(), at: Date.now(), ...(edit && { edit }), ...how });
  }

  /**
   * A linked device could not read a message and asks for it again: the phone opens a new session, with the keys
   * that came along if there are some. False when nothing was said under that id.
   */
  resend(companion: Companion, receipt: BinaryNode): Promise<boolean> {
    return this.#inTurn(() => this.#resend(companion, receipt));
  }

  async #resend(companion: Companion, receipt: BinaryNode): Promise<boolean> {
    const said = this.#said.get(receipt.attrs.id ?? '');
    if (!said) return false;
    const bundle = readRetryBundle(receipt);
    const to = bundle ? { lid: companion.lid, takeBundle: () => bundle } : companion;
    await this.#service.directory.phone(said.to.speaker).forget(companion.lid);
    const sealed = await seal(this.#service, to, companion.owner, said.to, said.message);
    const count = child(receipt, 'retry')?.attrs.count ?? '1';
    const content = encElements(sealed, { ...said.encAttrs, count });
    const attrs = { ...said.attrs, ...envelope(said.to, companion.owner) };
    this.#service.queue(companion).add({ tag: 'message', attrs, content });
    return true;
  }

  async #say(saying: Saying): Promise<ChatLine> {
    const { directory, chats, timers } = this.#service;
    assertOneThing(saying);
    const to = address(this.#service, saying);
    const quoted = this.#quoted(to.chat, saying.quoted);
    const uploaded = await this.#upload(saying, to.addressing);
    const people = [to.speaker, to.hearer ?? to.speaker] as const;
    const timer = timers.of(to.group, people);
    const message = compose(saying, {
      addressing: to.addressing,
      ...(quoted && { quoted }),
      ...(uploaded && { uploaded }),
      ...(timer && { timer }),
    });
    const content = unwrap(message);
    const expiration = expirationOf(content);
    const reading = read(content);
    const words =
      reading.act === 'line'
        ? readMentions(directory, reading.text, reading.mentioned)
        : { text: `[${contentType(content)}]` };
    const media = saying.media && (await download(this.#service.media, content));
    const line: ChatLine = {
      id: newMessageId(),
      chat: to.chat,
      from: to.speaker.jid,
      fromName: to.speaker.name,
      fromMe: to.speaker.jid === directory.owner.jid,
      byDevice: false,
      ...(to.hearer && { parties: [to.speaker.jid, to.hearer.jid] as const }),
      ...words,
      ...(quoted && { quotedId: quoted.id }),
      ...(media && { media }),
      ...(expiration > 0 && { expiration }),
      at: Date.now(),
    };
    const setting = settingIn(content);
    if (setting !== undefined) timers.set(to.group, people, { seconds: setting, at: line.at });
    // Phones write so only in a group with that timer.
    else if (to.group && expiration > 0) to.group.disappearsAfter = expiration;
    await this.#hand(to, message, {
      id: line.id,
      at: line.at,
      offline: saying.offline ?? false,
      onlyOnPhone: saying.onlyOnPhone ?? false,
    });
    chats.add(line, content);
    return line;
  }

  async #upload(
    { media, mentions = [] }: Saying,
    addressing: Addressing,
  ): Promise<proto.IMessage | undefined> {
    if (!media) return undefined;
    const caption = media.caption && writeMentions(media.caption, mentions, addressing);
    return upload(this.#service.media, { ...media, ...(caption && { caption }) });
  }

  #quoted(chat: string, id: string | undefined): References['quoted'] {
    if (id === undefined) return undefined;
    const { directory, chats } = this.#service;
    const line = chats.find(chat, id);
    const message = chats.message(id);
    if (!line || !message) throw new UnknownLine(id, chat);
    return { id, author: directory.person(line.from), message: withoutContext(message) };
  }

  /** Encrypts a message for every linked device and queues it there. */
  async #hand(to: Addressed, message: proto.IMessage, how: Handing): Promise<void> {
    const { directory, log, faults } = this.#service;
    const { id, at, edit, offline = false, onlyOnPhone = false } = how;
    const content = unwrap(message);
    const reading = read(content);
    log.write({
      kind: 'message',
      direction: 'out',
      chat: to.chat,
      sender: to.speaker.jid,
      id,
      text: 'text' in reading ? reading.text : '',
      type: contentType(content),
    });
    const { message: kind, enc } = stanzaAttributes(message);
    const attrs = {
      id,
      ...kind,
      ...(edit && { edit }),
      t: seconds(at),
      notify: to.speaker.name,
    };
    this.#said.set(id, { to, message, attrs, encAttrs: enc });
    const encrypted = async (companion: Companion): Promise<BinaryNode[]> => {
      const sealed = await seal(this.#service, companion, companion.owner, to, message);
      return encElements(faults.takeGarble() ? garble(sealed) : sealed, enc);
    };
    const present = to.group?.members ?? [to.speaker, ...(to.hearer ? [to.hearer] : [])];
    for (const companion of directory.companions.filter(({ owner }) => present.includes(owner))) {
      const content = onlyOnPhone ? [ONLY_ON_PHONE] : await encrypted(companion);
      const addressed = { ...attrs, ...envelope(to, companion.owner) };
      this.#service.queue(companion).add({ tag: 'message', attrs: addressed, content }, offline);
    }
  }
}
