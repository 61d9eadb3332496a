import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import type { Group } from '../accounts/group.ts';
import { addressingOf, addressOf, type Person } from '../accounts/person.ts';
import { child, children, seconds } from '../wire/nodes.ts';
import { envelope } from './addressed.ts';
import type { Service } from './service.ts';

/** Where a linked device's message goes. */
export interface Destination {
  /** The chat as the simulator's owner sees it. */
  chat: string;
  group?: Group;
  /** The other person of a direct chat; the sender in a chat with oneself. */
  peer?: Person;
}

/** What of a message is for each linked device: its own ciphertext, and the one for the whole group. */
function ciphertexts(
  service: Service,
  from: Companion,
  node: BinaryNode,
  group?: Group,
): Map<Companion, BinaryNode[]> {
  const found = new Map<Companion, BinaryNode[]>();
  const take = (jid: string, enc: BinaryNode | undefined): void => {
    const companion = service.directory.companion(jid);
    if (companion && enc && companion !== from) found.set(companion, [...(found.get(companion) ?? []), enc]);
  };
  for (const to of children(child(node, 'participants'), 'to')) take(to.attrs.jid ?? '', child(to, 'enc'));
  const own = children(node, 'enc').find(({ attrs }) => attrs.type !== 'skmsg');
  take(node.attrs.participant ?? node.attrs.to ?? '', own);
  const shared = children(node, 'enc').find(({ attrs }) => attrs.type === 'skmsg');
  for (const member of shared ? (group?.members ?? []) : []) {
    for (const companion of service.directory.companionsOf(member)) take(companion.lid, shared);
  }
  return found;
}

/** Hands a linked device's message to the other linked devices that it is encrypted for. */
export function forward(service: Service, from: Companion, node: BinaryNode, where: Destination): void {
  const { id = '', to = '', type, edit } = node.attrs;
  const { group, peer } = where;
  const addressed = {
    speaker: from.owner,
    chat: where.chat,
    addressing: group?.addressing ?? addressingOf(to),
    ...(group && { group }),
    ...(peer && { hearer: peer }),
  };
  for (const [companion, content] of ciphertexts(service, from, node, group)) {
    const identity = content.some(({ attrs }) => attrs.type === 'pkmsg')
      ? [{ tag: 'device-identity', attrs: {}, content: from.identity }]
      : [];
    const attrs = {
      id,
      t: seconds(),
      notify: from.owner.name,
      ...(type && { type }),
      ...(edit && { edit }),
      ...envelope(addressed, companion.owner, from.device),
    };
    service.queue(companion).add({ tag: 'message', attrs, content: [...content, ...identity] });
  }
}

/** A linked device asks another one for its message again. False when no linked device sent it. */
export function forwardRetry(service: Service, asking: Companion, receipt: BinaryNode): boolean {
  const { id = '', to = '', t } = receipt.attrs;
  const author = service.authors.get(id);
  if (!author || author === asking) return false;
  const group = service.directory.findGroup(to);
  const device = addressOf(asking.owner, group?.addressing ?? addressingOf(to), asking.device);
  const from = group ? { from: to, participant: device } : { from: device };
  const attrs = { id, type: 'retry', t: t ?? seconds(), ...from };
  service.queue(author).add({ ...receipt, attrs });
  return true;
}
