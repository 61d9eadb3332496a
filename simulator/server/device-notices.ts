import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Companion } from '../accounts/companion.ts';
import { seconds } from '../wire/nodes.ts';
import { newMessageId } from './message-id.ts';
import type { Service } from './service.ts';

/** Tells all other linked devices that somebody linked or removed one, so that they encrypt for it from then on. */
export function tellDevices(service: Service, changed: Companion, change: 'add' | 'remove'): void {
  const { jid, lid, owner, keyIndex } = changed;
  // A client may remember somebody's devices under either form of the name.
  const devices = [lid, jid].map(
    (name): BinaryNode => ({ tag: 'device', attrs: { jid: name, 'key-index': keyIndex.toString() } }),
  );
  const attrs = { from: owner.lid, type: 'devices', id: newMessageId(), t: seconds() };
  for (const companion of service.directory.companions) {
    if (companion === changed) continue;
    const content: BinaryNode[] = [{ tag: change, attrs: {}, content: devices }];
    service.queue(companion).add({ tag: 'notification', attrs, content });
  }
}
