import type { BinaryNode } from '@whiskeysockets/baileys';
import { seconds } from '../wire/nodes.ts';
import { type Addressing, addressOf, type Person } from './person.ts';

/** A group as all its members see it. */
export interface Group {
  readonly jid: string;
  readonly subject: string;
  readonly addressing: Addressing;
  /** Who made it; an admin. */
  readonly creator: Person;
  /** Everybody, the creator included. */
  readonly members: readonly Person[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

function participant(group: Group, person: Person): BinaryNode {
  const other = group.addressing === 'lid' ? { phone_number: person.jid } : { lid: person.lid };
  const role: BinaryNode['attrs'] = person.jid === group.creator.jid ? { type: 'superadmin' } : {};
  return {
    tag: 'participant',
    attrs: { jid: addressOf(person, group.addressing), ...other, ...role },
  };
}

/** Writes `<group>`, the answer to a metadata query. */
export function groupElement(group: Group): BinaryNode {
  const creator = addressOf(group.creator, group.addressing);
  const alternative: BinaryNode['attrs'] =
    group.addressing === 'lid' ? { creator_pn: group.creator.jid, s_o_pn: group.creator.jid } : {};
  return {
    tag: 'group',
    attrs: {
      id: group.jid.replace('@g.us', ''),
      addressing_mode: group.addressing,
      subject: group.subject,
      creator,
      creation: seconds(group.createdAt),
      s_o: creator,
      s_t: seconds(group.createdAt),
      size: group.members.length.toString(),
      ...alternative,
    },
    content: group.members.map((member) => participant(group, member)),
  };
}
