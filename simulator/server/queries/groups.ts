import type { BinaryNode } from '@whiskeysockets/baileys';
import { type Group, groupElement } from '../../accounts/group.ts';
import { child, children, failure, result } from '../../wire/nodes.ts';
import type { Service } from '../service.ts';
import type { QueryHandler } from './query.ts';

const NOT_FOUND = 404;

function isMember(service: Service, group: Group): boolean {
  return group.members.some((member) => member.jid === service.directory.owner.jid);
}

function create(service: Service, query: BinaryNode, wanted: BinaryNode): BinaryNode {
  const jids = children(wanted, 'participant').map(({ attrs }) => attrs.jid ?? '');
  const members = jids.map((jid) => service.directory.find(jid)).filter((person) => person !== undefined);
  const group = service.directory.createGroup({ subject: wanted.attrs.subject ?? '', members });
  return result(query, [groupElement(group)]);
}

/** `w:g2`: the groups that the owner is in, one group's metadata, a new group. */
export const groups: QueryHandler = (service, _companion, query) => {
  const creation = child(query, 'create');
  if (creation) return create(service, query, creation);
  if (child(query, 'participating')) {
    const mine = service.directory.groups.filter((group) => isMember(service, group));
    return result(query, [{ tag: 'groups', attrs: {}, content: mine.map(groupElement) }]);
  }
  if (query.attrs.type !== 'get' || !child(query, 'query')) return undefined;
  const group = service.directory.findGroup(query.attrs.to ?? '');
  if (!group || !isMember(service, group)) return failure(query, NOT_FOUND, 'item-not-found');
  return result(query, [groupElement(group)]);
};
