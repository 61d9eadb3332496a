import type { BinaryNode } from '@whiskeysockets/baileys';
import { child, failure, result } from '../../wire/nodes.ts';
import { streamError } from '../close-stanzas.ts';
import { tellDevices } from '../device-notices.ts';
import { restrictionFields } from '../restriction.ts';
import type { QueryHandler } from './query.ts';

/** A new account's privacy settings. */
const PRIVACY = {
  readreceipts: 'all',
  profile: 'all',
  status: 'contacts',
  online: 'all',
  last: 'contacts',
  groupadd: 'all',
  calladd: 'all',
} as const;

/** Names the set of switches; a client sends it along when it asks again. */
export const PROPS_HASH = 'simulator';

const NOT_FOUND = 404;

/** Says "done" to whatever it is. */
export const accept: QueryHandler = (_service, _companion, query) => result(query);

/** `privacy`: settings, and the tokens by which people let each other write. */
export const privacy: QueryHandler = (_service, _companion, query) => {
  if (child(query, 'tokens')) return result(query);
  if (query.attrs.type !== 'get') return result(query);
  const content = Object.entries(PRIVACY).map(
    ([name, value]): BinaryNode => ({ tag: 'category', attrs: { name, value } }),
  );
  return result(query, [{ tag: 'privacy', attrs: {}, content }]);
};

/** `abt`: switches that the server sets for clients; none is set. */
export const props: QueryHandler = (_service, _companion, query) =>
  result(query, [{ tag: 'props', attrs: { protocol: '1', hash: PROPS_HASH }, content: [] }]);

/** `blocklist`: nobody is blocked. */
export const blocklist: QueryHandler = (_service, _companion, query) =>
  result(query, [{ tag: 'list', attrs: {}, content: [] }]);

/** `w:profile:picture`: nobody has one. */
export const picture: QueryHandler = (_service, _companion, query) =>
  query.attrs.type === 'get' ? failure(query, NOT_FOUND, 'item-not-found') : result(query);

/** `w:mex`: GraphQL; whether the account is restricted, and how many new chats it may begin. */
export const mex: QueryHandler = (service, { owner }, query) => {
  const { faults, directory } = service;
  const restriction = owner.jid === directory.owner.jid ? faults.restriction : undefined;
  const data = {
    xwa2_fetch_account_reachout_timelock: restrictionFields(restriction),
    xwa2_message_capping_info: { total_quota: '1000', used_quota: '0' },
  };
  return result(query, [{ tag: 'result', attrs: {}, content: Buffer.from(JSON.stringify({ data })) }]);
};

/** `md`: the client logs out, and is no linked device any more. */
export const linkedDevices: QueryHandler = async (service, companion, query) => {
  if (!child(query, 'remove-companion-device')) return undefined;
  const { connection } = service.queue(companion);
  await service.directory.unlink(companion);
  tellDevices(service, companion, 'remove');
  connection?.send(result(query));
  void connection?.closeAfter(streamError(401));
  return undefined;
};
