import { randomBytes } from 'node:crypto';
import { aesEncryptGCM, type BinaryNode, hkdf, proto } from '@whiskeysockets/baileys';
import { mediaPart } from '../messages/parts.ts';
import { child } from '../wire/nodes.ts';
import type { MediaStore } from './media-store.ts';

const { SUCCESS } = proto.MediaRetryNotification.ResultType;
const RETRY_KEY = { info: 'WhatsApp Media Retry Notification' };
const KEY_BYTES = 32;
const IV_BYTES = 12;
/** The code with which a phone says that it has the file no more. */
const NOT_FOUND = 2;

/**
 * The phone's answer to a linked device that could not download a file: it puts the file back and tells the new
 * direct path, encrypted under the file's key. `message` is what was said under that id, unwrapped.
 */
export function answerReupload(
  store: MediaStore,
  request: BinaryNode,
  message: proto.IMessage | undefined,
): BinaryNode {
  const { id = '', to = '' } = request.attrs;
  const rmr: BinaryNode = { tag: 'rmr', attrs: child(request, 'rmr')?.attrs ?? {} };
  const attrs = { from: to, id, type: 'mediaretry' };
  const part = message && mediaPart(message)?.part;
  const directPath = part && store.restore(part.directPath ?? '');
  if (!part?.mediaKey || directPath === undefined) {
    const error: BinaryNode = { tag: 'error', attrs: { code: NOT_FOUND.toString() } };
    return { tag: 'notification', attrs, content: [error, rmr] };
  }
  const iv = randomBytes(IV_BYTES);
  const told = proto.MediaRetryNotification.encode({ stanzaId: id, directPath, result: SUCCESS }).finish();
  const key = hkdf(part.mediaKey, KEY_BYTES, RETRY_KEY);
  const ciphertext = aesEncryptGCM(told, key, iv, Buffer.from(id));
  const content: BinaryNode[] = [
    { tag: 'enc_p', attrs: {}, content: ciphertext },
    { tag: 'enc_iv', attrs: {}, content: iv },
  ];
  return { tag: 'notification', attrs, content: [{ tag: 'encrypt', attrs: {}, content }, rmr] };
}
