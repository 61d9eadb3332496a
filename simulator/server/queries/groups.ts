import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../../accounts/companion.ts';
import { groupElement } from '../../accounts/group.ts';
import { child, children, failure, result } from '../../wire/nodes.ts';
import type { Service } from '../service.ts';
import type { QueryHandler } from './query.ts';

const FORBIDDEN = 403;
const NOT_FOUND = 404;

function create(service: Service, { owner }: Companion, query: BinaryNode, wanted: BinaryNode): BinaryNode {
  const jids = children(wanted, 'participant').map(({ attrs }) => attrs.jid ?? '');
  const members = jids.map((jid) => service.directory.find(jid)).filter((person) => person !== undefined);
  const group = service.directory.createGroup({ subject: wanted.attrs.subject ?? '', members, by: owner });
  return result(query, [groupElement(group, owner)]);
}

/** `w:g2`: the groups that the account is in, one group's metadata, a new group. */
export const groups: QueryHandler = (service, companion, query) => {
  const { owner } = companion;
  const creation = child(query, 'create');
  if (creation) return create(service, companion, query, creation);
  if (child(query, 'participating')) {
    const isHiding = service.faults.takeHiding();
    const mine = service.directory.groups.filter((group) => group.has(owner) && !isHiding);
    const content = mine.map((group) => groupElement(group, owner));
    return result(query, [{ tag: 'groups', attrs: {}, content }]);
  }
  if (query.attrs.type !== 'get' || !child(query, 'query')) return undefined;
  const group = service.directory.findGroup(query.attrs.to ?? '');
  if (!group) return failure(query, NOT_FOUND, 'item-not-found');
  if (!group.has(owner)) return failure(query, FORBIDDEN, 'forbidden');
  return result(query, [groupElement(group, owner)]);
};
