import {
  type BinaryNode,
  getContentType,
  normalizeMessageContent,
  type proto,
} from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import type { Sealed } from '../accounts/device.ts';
import type { Group } from '../accounts/group.ts';
import { retryElements } from '../accounts/key-bundle.ts';
import { addressingOf, addressOf, deviceOf, type Person } from '../accounts/person.ts';
import { bytes, child, children, seconds } from '../wire/nodes.ts';
import type { Connection } from './connection.ts';
import type { Service } from './service.ts';

const NOT_FOUND = 404;
/** How often a phone asks for the same message. */
const MOST_RETRIES = 5;

/** A ciphertext and the phone it is for. */
interface Parcel {
  person: Person;
  sealed: Sealed;
}

interface Destination {
  chat: string;
  group?: Group;
  peer?: Person;
}

function readSealed(enc: BinaryNode): Sealed {
  const type = enc.attrs.type;
  return { type: type === 'pkmsg' || type === 'skmsg' ? type : 'msg', ciphertext: bytes(enc) };
}

function destination(service: Service, to: string): Destination | undefined {
  const group = service.directory.findGroup(to);
  if (group) return { chat: group.jid, group };
  const peer = service.directory.find(to);
  return peer && { chat: peer.jid, peer };
}

/** The ciphertexts for phones; those for linked devices are not delivered. */
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

function unwrap(message: proto.IMessage): proto.IMessage {
  return normalizeMessageContent(message.deviceSentMessage?.message ?? message) ?? {};
}

/** What a phone shows of a message, and its kind; no text for what is no chat line (protocol messages and such). */
function readText(message: proto.IMessage): { type: string; text?: string; quotedId?: string } {
  const type = getContentType(message) ?? 'nothing';
  const extended = message.extendedTextMessage;
  const text =
    message.conversation ||
    extended?.text ||
    message.imageMessage?.caption ||
    message.videoMessage?.caption ||
    message.documentMessage?.caption;
  const quotedId = extended?.contextInfo?.stanzaId;
  return { type, ...(text && { text }), ...(quotedId && { quotedId }) };
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
function receiptFrom(service: Service, to: string, reader: Person): BinaryNode['attrs'] {
  const { owner } = service.directory;
  const group = service.directory.findGroup(to);
  const from = addressOf(reader, group?.addressing ?? addressingOf(to));
  if (group) return { from: group.jid, participant: from };
  return reader.jid === owner.jid ? { from, recipient: to } : { from };
}

/** A phone that could not read a message asks for it again and sends its keys along. */
async function askAgain(
  service: Service,
  companion: Companion,
  node: BinaryNode,
  reader: Person,
): Promise<void> {
  const { id = '', to = '' } = node.attrs;
  const count = (service.sends.get(id) ?? 1).toString();
  if (Number(count) > MOST_RETRIES) return;
  const attrs = { id, t: seconds(), type: 'retry', ...receiptFrom(service, to, reader) };
  const retry: BinaryNode = { tag: 'retry', attrs: { count, id, t: seconds(), v: '1' } };
  const keys = retryElements(await service.directory.phone(reader).bundle());
  service.queue(companion).add({ tag: 'receipt', attrs, content: [retry, ...keys] });
}

/** Tells the linked device that the phones have its message. */
function confirm(service: Service, companion: Companion, node: BinaryNode, readers: readonly Person[]): void {
  const { id = '', to = '' } = node.attrs;
  const { owner } = service.directory;
  for (const reader of readers) {
    const mine = reader.jid === owner.jid;
    const attrs = { id, t: seconds(), ...(mine && { type: 'sender' }), ...receiptFrom(service, to, reader) };
    service.queue(companion).add({ tag: 'receipt', attrs });
  }
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
  const where = destination(service, to);
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
  const { read, failed } = await open(service, companion, node, where);
  const readers = [...new Set(read.map(({ person }) => person))];
  service.faults.ack(connection, ack(), () => {
    if (node.attrs.category !== 'peer') confirm(service, companion, node, readers);
  });
  for (const reader of failed) await askAgain(service, companion, node, reader);
  const first = read[0];
  if (!first) {
    service.problem('bad message', `message ${id} to ${to} could be read by nobody`);
    return;
  }
  const { owner } = service.directory;
  const { type, text, quotedId } = readText(first.message);
  service.log.write({
    kind: 'message',
    direction: 'in',
    chat: where.chat,
    sender: owner.jid,
    id,
    text: text ?? '',
    type,
  });
  if (text === undefined || service.chats.find(where.chat, id)) return;
  service.chats.add({
    id,
    chat: where.chat,
    from: owner.jid,
    fromName: owner.name,
    fromMe: true,
    byDevice: true,
    text,
    ...(quotedId && { quotedId }),
    at: Date.now(),
  });
}
