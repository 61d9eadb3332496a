import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import { type Addressing, addressOf, type Person } from '../accounts/person.ts';
import { seconds } from '../wire/nodes.ts';
import { newMessageId } from './message-id.ts';
import { encElements } from './sealing.ts';
import type { Service } from './service.ts';

export const META_AI = '867051314767696@bot';

/** What the owner writes to Meta AI or another bot. */
export interface ToBot {
  text: string;
  /** Meta AI when absent. */
  bot?: string;
  /** How the owner is named; by LID when absent. */
  addressing?: Addressing;
}

/** The owner writes to a bot on the phone; linked devices get a copy, the chats here do not show it. Resolves with its id. */
export function writeToBot(
  service: Service,
  { text, bot = META_AI, addressing = 'lid' }: ToBot,
): Promise<string> {
  const { owner } = service.directory;
  const message = { deviceSentMessage: { destinationJid: bot, message: { conversation: text } } };
  const attrs = { from: addressOf(owner, addressing), recipient: bot, addressing_mode: addressing };
  return hand(service, owner, 'message', attrs, message);
}

/**
 * Somebody posts a status that the owner may see. It comes as a `status` stanza, or as a `message`, as all did before the
 * summer of 2026. Resolves with its id.
 */
export function postStatus(
  service: Service,
  as: Person,
  text: string,
  tag: 'status' | 'message' = 'status',
): Promise<string> {
  const attrs = { from: 'status@broadcast', participant: as.lid, participant_pn: as.jid };
  return hand(service, as, tag, { ...attrs, addressing_mode: 'lid' }, { extendedTextMessage: { text } });
}

async function hand(
  service: Service,
  speaker: Person,
  tag: string,
  attrs: BinaryNode['attrs'],
  message: proto.IMessage,
): Promise<string> {
  const { directory } = service;
  const id = newMessageId();
  for (const companion of directory.companionsOf(directory.owner)) {
    const content = encElements([await directory.phone(speaker).encrypt(companion, message)]);
    const all = { id, type: 'text', t: seconds(), notify: speaker.name, ...attrs };
    service.queue(companion).add({ tag, attrs: all, content });
  }
  return id;
}
