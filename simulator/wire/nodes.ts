import type { BinaryNode } from '@whiskeysockets/baileys';
import { S_WHATSAPP_NET } from '@whiskeysockets/baileys';

/** The sender of everything that the server says in its own name. */
export const SERVER = S_WHATSAPP_NET;

/** The element's child elements, none when its content is text or bytes. */
export function children(node: BinaryNode | undefined, tag?: string): BinaryNode[] {
  const content = node?.content;
  if (!Array.isArray(content)) return [];
  return tag === undefined ? content : content.filter((child) => child.tag === tag);
}

/** The first child element, or the first of that tag. */
export function child(node: BinaryNode | undefined, tag?: string): BinaryNode | undefined {
  return children(node, tag)[0];
}

/** The content as bytes; empty when there is none. */
export function bytes(node: BinaryNode | undefined): Buffer {
  const content = node?.content;
  if (content === undefined || Array.isArray(content)) return Buffer.alloc(0);
  return typeof content === 'string' ? Buffer.from(content, 'utf8') : Buffer.from(content);
}

/** The content as UTF-8 text; empty when there is none. */
export function text(node: BinaryNode | undefined): string {
  return bytes(node).toString('utf8');
}

/** Reads an unsigned big-endian number of at most six bytes. */
export function uint(value: Uint8Array): number {
  return value.length === 0 ? 0 : Buffer.from(value).readUIntBE(0, Math.min(value.length, 6));
}

/** Seconds since 1970 as the wire writes them. */
export function seconds(ms: number = Date.now()): string {
  return Math.floor(ms / 1000).toString();
}

/** The good answer to a query. */
export function result(query: BinaryNode, content?: BinaryNode[]): BinaryNode {
  const attrs = { type: 'result', id: query.attrs.id ?? '', from: query.attrs.to ?? SERVER };
  return content === undefined ? { tag: 'iq', attrs } : { tag: 'iq', attrs, content };
}

/** The bad answer to a query, with an HTTP-like code. */
export function failure(query: BinaryNode, code: number, reason: string): BinaryNode {
  return {
    tag: 'iq',
    attrs: { type: 'error', id: query.attrs.id ?? '', from: query.attrs.to ?? SERVER },
    content: [{ tag: 'error', attrs: { code: code.toString(), text: reason } }],
  };
}
