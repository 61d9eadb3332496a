import type { BinaryNode } from '@whiskeysockets/baileys';
import { addressingOf, type Person } from '../../accounts/person.ts';
import { child, children, result, seconds, text } from '../../wire/nodes.ts';
import type { Service } from '../service.ts';
import type { QueryHandler } from './query.ts';

function devices(service: Service, person: Person): BinaryNode {
  const mine = service.directory.companionsOf(person);
  const list: BinaryNode[] = [
    { tag: 'device', attrs: { id: '0' } },
    ...mine.map(({ device, keyIndex }) => ({
      tag: 'device',
      attrs: { id: device.toString(), 'key-index': keyIndex.toString() },
    })),
  ];
  return {
    tag: 'devices',
    attrs: {},
    content: [
      { tag: 'device-list', attrs: {}, content: list },
      { tag: 'key-index-list', attrs: { ts: seconds() } },
    ],
  };
}

function protocol(
  service: Service,
  name: string,
  jid: string,
  person: Person | undefined,
): BinaryNode | undefined {
  switch (name) {
    case 'devices':
      return person && devices(service, person);
    case 'lid':
      return person && addressingOf(jid) === 'pn' ? { tag: 'lid', attrs: { val: person.lid } } : undefined;
    case 'contact':
      return { tag: 'contact', attrs: { type: person ? 'in' : 'out' } };
    case 'status':
      return { tag: 'status', attrs: { t: seconds() }, content: Buffer.from('Hey there!') };
    case 'disappearing_mode':
      return { tag: 'disappearing_mode', attrs: { duration: '0', t: '0' } };
    default:
      return undefined;
  }
}

/** `usync`: devices, LIDs and existence of people, asked for by JID or by phone number. */
export const usync: QueryHandler = (service, _companion, query) => {
  const asked = child(query, 'usync');
  if (!asked) return undefined;
  const names = children(child(asked, 'query')).map(({ tag }) => tag);
  const jids = children(child(asked, 'list'), 'user').map((user) => {
    const number = text(child(user, 'contact')).replace(/\D/g, '');
    return user.attrs.jid || `${number}@s.whatsapp.net`;
  });
  const users = [...new Set(jids)].map((jid): BinaryNode => {
    const person = service.directory.find(jid);
    const content = names
      .map((name) => protocol(service, name, jid, person))
      .filter((node) => node !== undefined);
    return { tag: 'user', attrs: { jid }, content };
  });
  const content: BinaryNode[] = [
    { tag: 'result', attrs: {}, content: names.map((tag) => ({ tag, attrs: {} })) },
    { tag: 'list', attrs: {}, content: users },
  ];
  return result(query, [{ tag: 'usync', attrs: { ...asked.attrs }, content }]);
};
