import { type BinaryNode, encodeBigEndian, KEY_BUNDLE_TYPE } from '@whiskeysockets/baileys';
import type { Companion } from '../../accounts/companion.ts';
import {
  bundleElement,
  readPreKeys,
  readSignedPreKey,
  signedPreKeyElement,
} from '../../accounts/key-bundle.ts';
import { deviceOf } from '../../accounts/person.ts';
import { child, children, failure, result } from '../../wire/nodes.ts';
import type { Service } from '../service.ts';
import type { QueryHandler } from './query.ts';

const KEY_ID_BYTES = 3;
const NOT_ACCEPTABLE = 406;

/** Never 0: at 0 a client makes and uploads 812 keys. */
function count(companion: Companion, query: BinaryNode): BinaryNode {
  const value = Math.max(1, companion.preKeyCount).toString();
  return result(query, [{ tag: 'count', attrs: { value } }]);
}

function digest(companion: Companion, query: BinaryNode): BinaryNode {
  const { registrationId, identityKey, signedPreKey } = companion.registration;
  const ids = companion.preKeyIds.map(
    (id): BinaryNode => ({ tag: 'id', attrs: {}, content: encodeBigEndian(id, KEY_ID_BYTES) }),
  );
  const content: BinaryNode[] = [
    { tag: 'registration', attrs: {}, content: encodeBigEndian(registrationId) },
    { tag: 'type', attrs: {}, content: KEY_BUNDLE_TYPE },
    { tag: 'identity', attrs: {}, content: identityKey },
    signedPreKeyElement(signedPreKey),
    { tag: 'list', attrs: {}, content: ids },
  ];
  return result(query, [{ tag: 'digest', attrs: {}, content }]);
}

async function bundle(service: Service, jid: string): Promise<BinaryNode> {
  const person = service.directory.find(jid);
  const companion = service.directory.companion(jid);
  if (companion) return bundleElement(jid, companion.takeBundle(), companion.identity);
  if (person && deviceOf(jid) === 0)
    return bundleElement(jid, await service.directory.phone(person).bundle());
  const error = { tag: 'error', attrs: { code: '404', text: 'item-not-found' } };
  return { tag: 'user', attrs: { jid }, content: [error] };
}

async function keys(service: Service, query: BinaryNode, wanted: BinaryNode): Promise<BinaryNode> {
  const users: BinaryNode[] = [];
  for (const { attrs } of children(wanted, 'user')) users.push(await bundle(service, attrs.jid ?? ''));
  return result(query, [{ tag: 'list', attrs: {}, content: users }]);
}

function store(companion: Companion, query: BinaryNode, work: () => void): BinaryNode {
  try {
    work();
    return result(query);
  } catch (error) {
    return failure(query, NOT_ACCEPTABLE, `${companion.jid}: ${String(error)}`);
  }
}

/** `encrypt`: pre-keys of the device itself, and key bundles of those it wants to write to. */
export const encrypt: QueryHandler = (service, companion, query) => {
  if (query.attrs.type === 'get') {
    const wanted = child(query, 'key');
    if (wanted) return keys(service, query, wanted);
    if (child(query, 'count')) return count(companion, query);
    if (child(query, 'digest')) return digest(companion, query);
    return undefined;
  }
  const rotation = child(query, 'rotate');
  if (rotation) {
    return store(companion, query, () => companion.rotate(readSignedPreKey(child(rotation, 'skey'))));
  }
  if (!child(query, 'list')) return undefined;
  return store(companion, query, () => {
    companion.rotate(readSignedPreKey(child(query, 'skey')));
    companion.addPreKeys(readPreKeys(query));
  });
};
