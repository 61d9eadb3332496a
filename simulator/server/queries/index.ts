import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../../accounts/companion.ts';
import { failure } from '../../wire/nodes.ts';
import { shorten } from '../../wire/wire-log.ts';
import type { Service } from '../service.ts';
import { appState } from './app-state.ts';
import { encrypt } from './encrypt.ts';
import { groups } from './groups.ts';
import { media } from './media.ts';
import type { QueryHandler } from './query.ts';
import { accept, blocklist, linkedDevices, mex, picture, privacy, props } from './settings.ts';
import { usync } from './usync.ts';

const NOT_IMPLEMENTED = 501;

/** Who answers what, by the query's namespace. */
const HANDLERS: Readonly<Record<string, QueryHandler>> = {
  encrypt,
  usync,
  'w:g2': groups,
  'w:m': media,
  'w:sync:app:state': appState,
  'w:p': accept,
  'w:stats': accept,
  'w:mex': mex,
  'w:profile:picture': picture,
  'urn:xmpp:whatsapp:dirty': accept,
  abt: props,
  blocklist,
  disappearing_mode: accept,
  md: linkedDevices,
  passive: accept,
  privacy,
  status: accept,
};

/** The answer to a query; an error, and a problem noted, for one that nobody knows. */
export async function answerQuery(
  service: Service,
  companion: Companion,
  query: BinaryNode,
): Promise<BinaryNode | undefined> {
  const namespace = query.attrs.xmlns ?? '';
  const handler = Object.hasOwn(HANDLERS, namespace) ? HANDLERS[namespace] : undefined;
  const answer = await handler?.(service, companion, query);
  if (answer || !service.directory.companions.includes(companion)) return answer;
  service.problem('unknown query', JSON.stringify(shorten(query)));
  return failure(query, NOT_IMPLEMENTED, 'feature-not-implemented');
}
