import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import { UnknownJid } from '../accounts/directory.ts';
import type { Group } from '../accounts/group.ts';
import { type Addressing, addressOf, type Person } from '../accounts/person.ts';
import type { ChatLine } from '../events.ts';
import { NotInChat, type Saying } from '../messages/saying.ts';
import type { Service } from './service.ts';

/** Who speaks to whom, and in which form of their names. */
export interface Addressed {
  speaker: Person;
  chat: string;
  group?: Group;
  /** To whom it is said in a direct chat; the speaker in the self-chat. */
  hearer?: Person;
  /** The speaker's broadcast list by which it is said. */
  broadcast?: string;
  addressing: Addressing;
}

/**
 * Finds out who is meant by a chat and a speaker: whose chat it is speaks, if nobody is named. Throws UnknownJid or NotInChat.
 */
export function address(
  service: Service,
  saying: Pick<Saying, 'chat' | 'of' | 'as' | 'addressing' | 'broadcast'>,
): Addressed {
  const { directory } = service;
  const side = saying.of ?? directory.owner;
  const speaker = saying.as ?? side;
  const group = directory.findGroup(saying.chat);
  if (group) {
    if (!group.has(speaker)) throw new NotInChat(speaker, saying.chat);
    return { speaker, chat: group.jid, group, addressing: saying.addressing ?? group.addressing };
  }
  const peer = directory.find(saying.chat);
  if (!peer) throw new UnknownJid(saying.chat);
  const ofSide = speaker.jid === side.jid;
  if (!ofSide && speaker.jid !== peer.jid) throw new NotInChat(speaker, saying.chat);
  const hearer = ofSide ? peer : side;
  const chat = directChat(service, speaker, hearer);
  const byUsername = [speaker, hearer].some(({ username }) => username !== undefined);
  const addressing = saying.addressing ?? (byUsername ? 'lid' : 'pn');
  return { speaker, chat, hearer, addressing, ...(saying.broadcast && { broadcast: saying.broadcast }) };
}

/** The name of a direct chat: as the owner sees it, or as who speaks does when the owner is not in it. */
export function directChat({ directory }: Service, speaker: Person, hearer: Person): string {
  return hearer.jid === directory.owner.jid ? speaker.jid : hearer.jid;
}

/** Addresses what somebody does later about a line. Throws NotInChat. */
export function addressAbout(
  service: Service,
  { chat, parties }: ChatLine,
  as: Person,
  addressing?: Addressing,
): Addressed {
  const form = addressing && { addressing };
  if (!parties) return address(service, { chat, as, ...form });
  if (!parties.includes(as.jid)) throw new NotInChat(as, chat);
  const [first, second] = parties;
  return address(service, { chat: first === as.jid ? second : first, of: as, as, ...form });
}

/** The id of a message as whoever acts on it sees it. */
export function keyOf(
  service: Service,
  line: ChatLine,
  { speaker, chat, group, hearer, addressing }: Addressed,
): proto.IMessageKey {
  const author = service.directory.person(line.from);
  const fromMe = author.jid === speaker.jid;
  return {
    remoteJid: hearer ? addressOf(hearer, addressing) : chat,
    fromMe,
    id: line.id,
    ...(group && !fromMe && { participant: addressOf(author, addressing) }),
  };
}

/**
 * The attributes that say who wrote to which chat, as one account's linked devices get them; the other form of the
 * name stands beside it, unless the number is hidden from that account. `device` is the speaker's, 0 for the phone.
 */
export function envelope(
  { speaker, addressing, group, hearer, broadcast }: Addressed,
  viewer: Person,
  device = 0,
): BinaryNode['attrs'] {
  const other: Addressing = addressing === 'lid' ? 'pn' : 'lid';
  const from = addressOf(speaker, addressing, device);
  if (group) {
    const shown = other === 'lid' || group.showsNumber(speaker, viewer);
    return {
      from: group.jid,
      participant: from,
      ...(shown && { [`participant_${other}`]: addressOf(speaker, other) }),
      ...(speaker.username !== undefined && { participant_username: speaker.username }),
      addressing_mode: addressing,
    };
  }
  if (broadcast) {
    const writer = otherForm('participant_', speaker, other);
    return { from: broadcast, participant: from, ...writer, addressing_mode: addressing };
  }
  if (hearer && speaker.jid === viewer.jid) {
    return {
      from,
      recipient: addressOf(hearer, addressing),
      ...otherForm('peer_recipient_', hearer, other),
      addressing_mode: addressing,
    };
  }
  const { username } = speaker;
  const sender = username === undefined ? otherForm('sender_', speaker, other) : { username };
  return { from, ...sender, addressing_mode: addressing };
}

/** The other form of a name; the username in the place of a number that it hides. */
function otherForm(prefix: string, person: Person, other: Addressing): BinaryNode['attrs'] {
  if (other === 'pn' && person.username !== undefined) return { [`${prefix}username`]: person.username };
  return { [prefix + other]: addressOf(person, other) };
}
