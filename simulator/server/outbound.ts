import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import type { Sealed } from '../accounts/device.ts';
import { retryElements } from '../accounts/key-bundle.ts';
import { addressingOf, addressOf, deviceOf, type Person } from '../accounts/person.ts';
import type { ChatLine } from '../events.ts';
import { download } from '../media/files.ts';
import { withText } from '../messages/acts.ts';
import { readMentions } from '../messages/mentions.ts';
import { contentType, type LaterAct, type Reading, read, unwrap } from '../messages/read.ts';
import { bytes, child, children, seconds } from '../wire/nodes.ts';
import { directChat } from './addressed.ts';
import type { Connection } from './connection.ts';
import { type Destination, forward } from './forwarding.ts';
import type { Service } from './service.ts';
import { expirationOf } from './timers.ts';

const FORBIDDEN = 403;
const NOT_FOUND = 404;
const NOT_ACCEPTABLE = 406;
/** How often a phone asks for the same message. */
const MOST_RETRIES = 5;

/** A ciphertext and the phone it is for. */
interface Parcel {
  person: Person;
  sealed: Sealed;
}

function readSealed(enc: BinaryNode): Sealed {
  const type = enc.attrs.type;
  return { type: type === 'pkmsg' || type === 'skmsg' ? type : 'msg', ciphertext: bytes(enc) };
}

function destination(service: Service, from: Person, to: string): Destination | undefined {
  const group = service.directory.findGroup(to);
  if (group) return { chat: group.jid, group };
  const peer = service.directory.find(to);
  return peer && { chat: directChat(service, from, peer), peer };
}

/** The ciphertexts for phones; those for linked devices are forwarded. */
function parcels(service: Service, node: BinaryNode): Parcel[] {
  const found: Parcel[] = [];
  const take = (jid: string, enc: BinaryNode | undefined): void => {
    const person = service.directory.find(jid);
    if (enc && person && deviceOf(jid) === 0) found.push({ person, sealed: readSealed(enc) });
  };
  for (const to of children(child(node, 'participants'), 'to')) take(to.attrs.jid ?? '', child(to, 'enc'));
  const direct = children(node, 'enc').find(({ attrs }) => attrs.type !== 'skmsg');
  if (direct) take(node.attrs.participant ?? node.attrs.to ?? '', direct);
  return found;
}

interface Opened {
  read: { person: Person; message: proto.IMessage }[];
  /** Whose phones could not decrypt it. */
  failed: Set<Person>;
}

/** Opens a linked device's message on every phone that it is for. */
async function open(
  service: Service,
  companion: Companion,
  node: BinaryNode,
  { group }: Destination,
): Promise<Opened> {
  const read: Opened['read'] = [];
  const failures: Opened['failed'] = new Set();
  const id = node.attrs.id;
  const from = companion.lid;
  const failed = (person: Person, error: unknown): void => {
    failures.add(person);
    service.problem('not decrypted', `message ${id} by ${person.name}: ${String(error)}`);
  };
  for (const { person, sealed } of parcels(service, node)) {
    const phone = service.directory.phone(person);
    try {
      const message = await phone.decrypt(from, sealed);
      const distribution = message.senderKeyDistributionMessage;
      if (distribution) await phone.learnSenderKey(from, distribution);
      if (!group || !distribution) read.push({ person, message: unwrap(message) });
    } catch (error) {
      failed(person, error);
    }
  }
  const shared = children(node, 'enc').find(({ attrs }) => attrs.type === 'skmsg');
  if (!group || !shared) return { read, failed: failures };
  for (const person of group.members) {
    try {
      const message = await service.directory.phone(person).decryptGroup(group.jid, from, bytes(shared));
      read.push({ person, message: unwrap(message) });
    } catch (error) {
      failed(person, error);
    }
  }
  return { read, failed: failures };
}

/** Who a receipt comes from, in the form in which the chat is addressed. */
function receiptFrom(service: Service, owner: Person, to: string, reader: Person): BinaryNode['attrs'] {
  const group = service.directory.findGroup(to);
  const from = addressOf(reader, group?.addressing ?? addressingOf(to));
  if (group) return { from: group.jid, participant: from };
  return reader.jid === owner.jid ? { from, recipient: to } : { from };
}

/** A phone that could not read a message asks for it again and sends its keys along. */
export async function askAgain(
  service: Service,
  companion: Companion,
  { id = '', to = '' }: BinaryNode['attrs'],
  reader: Person,
): Promise<void> {
  const count = (service.sends.get(id) ?? 1).toString();
  if (Number(count) > MOST_RETRIES) return;
  const attrs = { id, t: seconds(), type: 'retry', ...receiptFrom(service, companion.owner, to, reader) };
  const retry: BinaryNode = { tag: 'retry', attrs: { count, id, t: seconds(), v: '1' } };
  const keys = retryElements(await service.directory.phone(reader).bundle());
  service.queue(companion).add({ tag: 'receipt', attrs, content: [retry, ...keys] });
}

/** Tells the linked device that the phones have its message. */
function confirm(service: Service, companion: Companion, node: BinaryNode, readers: readonly Person[]): void {
  const { id = '', to = '' } = node.attrs;
  const { owner } = companion;
  for (const reader of readers) {
    const mine = reader.jid === owner.jid;
    const attrs = {
      id,
      t: seconds(),
      ...(mine && { type: 'sender' }),
      ...receiptFrom(service, owner, to, reader),
    };
    service.queue(companion).add({ tag: 'receipt', attrs });
  }
}

/** Shows a linked device's message, or what it makes of an earlier one, in the chat. */
async function show(
  service: Service,
  companion: Companion,
  { chat, peer, group }: Destination,
  id: string,
  message: proto.IMessage,
): Promise<void> {
  const { chats, directory } = service;
  const { owner } = companion;
  const reading = read(message);
  if (reading.act === 'none') return;
  if (reading.act === 'line') {
    const objection = service.timers.objection(group, [owner, peer ?? owner], message);
    if (objection !== undefined) service.problem('bad message', `message ${id}: ${objection}`);
    if (chats.find(chat, id)) return;
    const from = {
      from: owner.jid,
      fromName: owner.name,
      fromMe: owner.jid === directory.owner.jid,
      byDevice: true,
      device: companion.jid,
      ...(peer && { parties: [owner.jid, peer.jid] as const }),
    };
    const quotedId = quotedBy(service, chat, id, reading);
    const words = readMentions(directory, reading.text, reading.mentioned);
    const media = await download(service.media, message).catch((error: unknown) => {
      service.problem('bad message', `the file of message ${id}: ${String(error)}`);
      return undefined;
    });
    const expiration = expirationOf(message);
    const more = {
      ...(quotedId && { quotedId }),
      ...(media && { media }),
      ...(expiration > 0 && { expiration }),
    };
    chats.add({ id, chat, ...from, ...words, ...more, at: Date.now() }, message);
    return;
  }
  const line = chats.find(chat, reading.id);
  const wrong = whyIgnored(service, owner, reading, line);
  if (!line || wrong !== undefined) {
    service.problem('bad message', `message ${id} is ignored: ${wrong}`);
    return;
  }
  if (!chats.isNew(id)) return;
  const by = { by: owner.jid, byDevice: true };
  if (reading.act === 'edit') {
    const words = readMentions(directory, reading.text, reading.mentioned);
    chats.edit(line, by, words, withText(chats.message(line.id) ?? {}, reading.text));
  } else if (reading.act === 'removal') chats.remove(line, by);
  else chats.react(line, by, reading.emoji);
}

/** Phones know a line by the name that its author goes by in the group; in a direct chat there is no need of one. */
function misnamed(
  { directory }: Service,
  { id, chat, from, fromName }: ChatLine,
  participant: string | undefined,
): string | undefined {
  const group = directory.findGroup(chat);
  if (!group || participant === addressOf(directory.person(from), group.addressing)) return undefined;
  const given = participant ?? 'nobody';
  return `it names ${given} as the author of ${id}, by ${fromName}: that group goes by ${group.addressing}`;
}

/** Which line a message quotes; undefined when phones do not find it. */
function quotedBy(
  service: Service,
  chat: string,
  id: string,
  { quoted }: Extract<Reading, { act: 'line' }>,
): string | undefined {
  const line = quoted && service.chats.find(chat, quoted.id);
  const wrong = line && misnamed(service, line, quoted.participant);
  if (wrong === undefined) return quoted?.id;
  service.problem('bad message', `the quote in message ${id} is not found: ${wrong}`);
  return undefined;
}

/** Why phones do nothing about an edit, a removal or a reaction of that account; undefined when they do it. */
function whyIgnored(
  service: Service,
  owner: Person,
  { act, id, participant }: LaterAct,
  line: ChatLine | undefined,
): string | undefined {
  if (!line) return `the line ${id} is not in that chat`;
  const isOwn = line.from === owner.jid;
  const wrongName = isOwn && participant === undefined ? undefined : misnamed(service, line, participant);
  if (wrongName !== undefined) return wrongName;
  if (act === 'reaction' || isOwn) return undefined;
  if (act === 'edit') return `it edits what ${line.fromName} said`;
  const isAdmin = service.directory.findGroup(line.chat)?.isAdmin(owner) ?? false;
  return isAdmin ? undefined : `it removes what ${line.fromName} said, without being an admin`;
}

/** The device that a message must not be encrypted for: the sender's own, or one that is named before in either form. */
function wrongRecipient({ directory }: Service, companion: Companion, node: BinaryNode): string | undefined {
  const devices = new Set([companion.jid]);
  for (const { attrs } of children(child(node, 'participants'), 'to')) {
    const { jid = '' } = attrs;
    const person = directory.find(jid);
    const device = person ? addressOf(person, 'pn', deviceOf(jid)) : jid;
    if (device === companion.jid) return `${jid}, which is the sending device`;
    if (devices.has(device)) return `${jid}, which it names before`;
    devices.add(device);
  }
  return undefined;
}

/** WhatsApp is reported to acknowledge such a message, and the sender's phone not to show it. */
function isOwnChatByNumber({ peer }: Destination, owner: Person, to: string): boolean {
  return peer?.jid === owner.jid && addressingOf(to) === 'pn';
}

/**
 * A message from a linked device: delivered to the phones it is for, shown once whatever number of times its id
 * comes, acknowledged as the faults allow, and confirmed by the phones.
 */
export async function takeMessage(
  service: Service,
  connection: Connection,
  companion: Companion,
  node: BinaryNode,
): Promise<void> {
  const { id = '', to = '' } = node.attrs;
  service.sends.set(id, (service.sends.get(id) ?? 0) + 1);
  const ack = (error?: number): BinaryNode => ({
    tag: 'ack',
    attrs: { class: 'message', id, from: to, t: seconds(), ...(error && { error: error.toString() }) },
  });
  const where = destination(service, companion.owner, to);
  const refused = service.faults.takeSend();
  if (refused !== undefined) {
    connection.send(ack(refused));
    return;
  }
  if (!where) {
    service.problem('refused', `message ${id} is for ${to}, which is nobody and no group here`);
    connection.send(ack(NOT_FOUND));
    return;
  }
  if (where.group && !where.group.has(companion.owner)) {
    service.problem('refused', `message ${id} is for ${to}, which ${companion.owner.name} is not in`);
    connection.send(ack(FORBIDDEN));
    return;
  }
  const wrong = service.rules.recipients === 'any' ? undefined : wrongRecipient(service, companion, node);
  if (wrong !== undefined) {
    service.problem('refused', `message ${id} to ${to} is encrypted for ${wrong}`);
    connection.send(ack(NOT_ACCEPTABLE));
    return;
  }
  service.authors.set(id, companion);
  service.addresses.set(id, to);
  forward(service, companion, node, where);
  const { read: opened, failed } = await open(service, companion, node, where);
  const readers = [...new Set(opened.map(({ person }) => person))];
  service.faults.ack(connection, ack(), () => {
    if (node.attrs.category !== 'peer') confirm(service, companion, node, readers);
  });
  for (const reader of failed) await askAgain(service, companion, node.attrs, reader);
  const first = opened[0];
  if (!first) {
    service.problem('bad message', `message ${id} to ${to} could be read by nobody`);
    return;
  }
  const { owner } = companion;
  const reading = read(first.message);
  service.log.write({
    kind: 'message',
    direction: 'in',
    chat: where.chat,
    sender: owner.jid,
    id,
    text: 'text' in reading ? reading.text : '',
    type: contentType(first.message),
  });
  if (
    service.rules.recipients === 'checked' &&
    reading.act !== 'none' &&
    isOwnChatByNumber(where, owner, to)
  ) {
    service.problem(
      'not shown',
      `message ${id} to ${to} is for the own chat by number: only the LID is shown`,
    );
    return;
  }
  await show(service, companion, where, id, first.message);
}
