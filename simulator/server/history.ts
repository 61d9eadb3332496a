import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { proto } from '@whiskeysockets/baileys';
import { addressOf, type Person } from '../accounts/person.ts';
import type { ChatLine } from '../events.ts';
import { encryptMedia } from '../media/cipher.ts';
import type { MediaServer } from '../media/media-server.ts';
import type { Saying } from '../messages/saying.ts';
import { address } from './addressed.ts';
import { newMessageId } from './message-id.ts';
import type { Service } from './service.ts';

const compress = promisify(deflate);
const { HistorySyncType } = proto.HistorySync;

/** Something that was said before a device was linked. */
export interface PastLine extends Pick<Saying, 'chat' | 'of' | 'as'> {
  text: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Shows a line of the past in its chat; no linked device gets it but in its history. Throws UnknownJid or NotInChat. */
export function addPast(service: Service, past: PastLine): ChatLine {
  const { speaker, chat, hearer } = address(service, past);
  const line: ChatLine = {
    id: newMessageId(),
    chat,
    from: speaker.jid,
    fromName: speaker.name,
    fromMe: speaker.jid === service.directory.owner.jid,
    byDevice: false,
    text: past.text,
    ...(hearer && { parties: [speaker.jid, hearer.jid] as const }),
    at: past.at,
  };
  service.chats.add(line);
  service.past.push(line);
  return line;
}

/** The past lines of one account's chats, oldest first, by the chat's name as that account sees it. */
function pastOf(service: Service, viewer: Person): Map<string, ChatLine[]> {
  const chats = new Map<string, ChatLine[]>();
  for (const line of [...service.past].sort((one, other) => one.at - other.at)) {
    const { parties } = line;
    const isIn = parties ? parties.includes(viewer.jid) : service.directory.group(line.chat).has(viewer);
    const name = parties ? (parties.find((jid) => jid !== viewer.jid) ?? viewer.jid) : line.chat;
    if (isIn) chats.set(name, [...(chats.get(name) ?? []), line]);
  }
  return chats;
}

function message(service: Service, viewer: Person, chat: string, line: ChatLine): proto.IWebMessageInfo {
  const group = service.directory.findGroup(chat);
  const fromMe = line.from === viewer.jid;
  const author = group && addressOf(service.directory.person(line.from), group.addressing);
  return {
    key: { remoteJid: chat, fromMe, id: line.id, ...(author && !fromMe && { participant: author }) },
    message: { conversation: line.text },
    messageTimestamp: Math.floor(line.at / 1000),
    pushName: line.fromName,
  };
}

function conversation(
  service: Service,
  viewer: Person,
  chat: string,
  lines: readonly ChatLine[],
): proto.IConversation {
  const person = service.directory.find(chat);
  const newestFirst = [...lines].reverse();
  return {
    id: chat,
    name: person?.name ?? service.directory.group(chat).subject,
    ...(person && { lidJid: person.lid }),
    conversationTimestamp: Math.floor((newestFirst[0]?.at ?? 0) / 1000),
    messages: newestFirst.map((line) => ({ message: message(service, viewer, chat, line) })),
  };
}

type HistoryPart = proto.IHistorySync & { syncType: proto.HistorySync.HistorySyncType };

/** @param media where the part is put as a file; undefined: it lies in the message itself */
async function part(
  history: HistoryPart,
  media?: MediaServer,
): Promise<proto.Message.IHistorySyncNotification> {
  const { syncType } = history;
  const order = { chunkOrder: history.chunkOrder ?? 1, progress: history.progress ?? 100 };
  const encoded = proto.HistorySync.encode(history).finish();
  const compressed = await compress(encoded);
  if (media === undefined) return { syncType, ...order, initialHistBootstrapInlinePayload: compressed };
  const { ciphertext, ...keys } = await encryptMedia(compressed, 'md-msg-hist');
  return {
    syncType,
    ...order,
    ...keys,
    fileLength: compressed.length,
    directPath: media.store.put(ciphertext),
  };
}

/**
 * What a new device is told of the past: first who is who and the last line of every chat, then, if there are some,
 * the older lines.
 */
export async function historyParts(
  service: Service,
  viewer: Person,
): Promise<proto.Message.IHistorySyncNotification[]> {
  const { people } = service.directory;
  const chats = [...pastOf(service, viewer)];
  const older = chats.filter(([, lines]) => lines.length > 1);
  const bootstrap = part({
    syncType: HistorySyncType.INITIAL_BOOTSTRAP,
    conversations: chats.map(([chat, lines]) => conversation(service, viewer, chat, lines.slice(-1))),
    pushnames: people.map(({ jid, name }) => ({ id: jid, pushname: name })),
    phoneNumberToLidMappings: people
      .filter(({ username }) => username === undefined)
      .map(({ jid, lid }) => ({ pnJid: jid, lidJid: lid })),
    chunkOrder: 1,
    progress: older.length > 0 ? 50 : 100,
  });
  if (older.length === 0) return [await bootstrap];
  const recent = part(
    {
      syncType: HistorySyncType.RECENT,
      conversations: older.map(([chat, lines]) => conversation(service, viewer, chat, lines.slice(0, -1))),
      chunkOrder: 2,
      progress: 100,
    },
    service.rules.history === 'downloads' ? service.media : undefined,
  );
  return Promise.all([bootstrap, recent]);
}
