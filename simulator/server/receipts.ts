import type { BinaryNode } from '@whiskeysockets/baileys';
import { child, children } from '../wire/nodes.ts';

/** A receipt that the linked device sent. */
export interface ReceivedReceipt {
  /** The id of the message. */
  id: string;
  /** `delivered` when the wire has no type; else as on the wire: inactive, read, read-self, sender, peer_msg, retry … */
  type: string;
  to: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Every receipt that came from linked devices, in order. */
export class ReceiptBook {
  readonly #receipts: ReceivedReceipt[] = [];

  /** Notes a receipt stanza, which may be for several messages. Returns the messages' ids. */
  add(node: BinaryNode): string[] {
    const { id = '', type = 'delivered', to = '', recipient } = node.attrs;
    const more = children(child(node, 'list'), 'item').map((item) => item.attrs.id ?? '');
    const ids = [id, ...more];
    const at = Date.now();
    for (const each of ids) this.#receipts.push({ id: each, type, to: recipient ?? to, at });
    return ids;
  }

  of(id?: string): readonly ReceivedReceipt[] {
    return id === undefined ? this.#receipts : this.#receipts.filter((receipt) => receipt.id === id);
  }
}
