import type { BinaryNode } from '@whiskeysockets/baileys';
import { SERVER } from '../wire/nodes.ts';

/**
 * The last word with which WhatsApp closes a connection, as a client reads the code out of it: 440 and 401 by the name
 * of a conflict, 428 as the end of the stream, 411 as a notice, the others as a stream error with the code.
 */
export function streamError(code: number): BinaryNode {
  const tag = 'stream:error';
  switch (code) {
    case 401:
      return {
        tag,
        attrs: { code: '401' },
        content: [{ tag: 'conflict', attrs: { type: 'device_removed' } }],
      };
    case 411:
      return { tag: 'ib', attrs: { from: SERVER }, content: [{ tag: 'downgrade_webclient', attrs: {} }] };
    case 428:
      return { tag: 'xmlstreamend', attrs: {} };
    case 440:
      return { tag, attrs: {}, content: [{ tag: 'conflict', attrs: { type: 'replaced' } }] };
    default:
      return { tag, attrs: { code: code.toString() } };
  }
}

/** The answer to a login that is not let in. */
export function loginFailure(code: number, more: BinaryNode['attrs'] = {}): BinaryNode {
  return { tag: 'failure', attrs: { reason: code.toString(), location: 'sim', ...more } };
}
