import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { DEFAULT_ORIGIN, getMediaKeys } from '@whiskeysockets/baileys';
import { withCleanUp } from '../../clean-up.ts';
import { MINUTE, SECOND } from '../../clock.ts';
import type { FetchOutcome } from '../channel.ts';
import { textOf } from './errors.ts';
import { decodeMediaReference, type MediaReference } from './media-reference.ts';

/** What fetching needs besides the reference. */
export interface MediaPorts {
  /** The WhatsApp server of the configuration, when it is another one than WhatsApp's: always on loopback. */
  readonly serverUrl: string | undefined;
  /** Asks the phone to put a lost file on the server again. @returns where it is then; undefined: the line is away */
  readonly reupload: (media: MediaReference, signal: AbortSignal) => Promise<string | undefined>;
  /** How long nothing may come, in milliseconds. */
  readonly idleMs?: number | undefined;
  /** How long it may take altogether, in milliseconds. */
  readonly overallMs?: number | undefined;
  readonly openFile?: typeof open | undefined;
}

export interface FetchRequest {
  readonly reference: string;
  /** A path that does not exist yet. */
  readonly file: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const MEDIA_SERVER = 'https://mmg.whatsapp.net';
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const IDLE_MS = 30 * SECOND;
const OVERALL_MS = 10 * MINUTE;
/** The first bytes of the HMAC-SHA256 over vector and ciphertext stand behind the ciphertext. */
const MAC_BYTES = 10;
/** What encryption adds at most: padding and the MAC. */
const OVERHEAD_BYTES = 16 + MAC_BYTES;

/** What the media server answers for a file that the phone can upload again; 403 when its URL is too old. */
const LOST: ReadonlySet<number> = new Set([403, 404, 410]);

type Download = FetchOutcome | { readonly kind: 'lost' };

const failed = (reason: string): FetchOutcome => ({ kind: 'failed', reason });

/**
 * Fetches and opens a file. Baileys' own download is not used: it follows redirects and the host that the sender wrote into the message,
 * checks neither MAC nor hash, and an error of the network goes past the stream that it returns.
 */
export async function fetchMedia(request: FetchRequest, ports: MediaPorts): Promise<FetchOutcome> {
  const media = decodeMediaReference(request.reference);
  if (media === undefined) return { kind: 'gone', reason: 'the message does not say where the file is' };
  if ((media.fileLength ?? 0) > request.maxBytes) return { kind: 'too_large' };
  try {
    const first = await download(media, request, ports);
    if (first.kind !== 'lost') return first;
    const directPath = await askAgain(media, request, ports);
    if (typeof directPath !== 'string') return directPath;
    const second = await download({ ...media, directPath }, request, ports);
    return second.kind === 'lost' ? gone('the phone put it there again, in vain') : second;
  } catch (error) {
    return failed(textOf(error));
  }
}

const gone = (detail: string): FetchOutcome => ({
  kind: 'gone',
  reason: `WhatsApp does not have it any more (${detail})`,
});

async function askAgain(
  media: MediaReference,
  { signal }: FetchRequest,
  ports: MediaPorts,
): Promise<string | FetchOutcome> {
  try {
    const directPath = await ports.reupload(media, signal);
    return directPath ?? failed('WhatsApp has lost it, and the phone cannot be asked for it now');
  } catch (error) {
    if (signal.aborted) return failed('stopped');
    return gone(`the phone was asked for it: ${textOf(error)}`);
  }
}

/**
 * Where a file is fetched from. The message's URL is its sender's word: only its path on WhatsApp's server is taken, and only a server on this machine
 * that stands in for WhatsApp's, media included, may name a host, on this machine too.
 * @returns undefined when the message points anywhere else
 */
export function mediaUrl(media: MediaReference, serverUrl: string | undefined): URL | undefined {
  const base = serverUrl === undefined ? new URL(MEDIA_SERVER) : loopbackOrigin(media.url);
  if (base === undefined || media.directPath?.startsWith('/') !== true) return undefined;
  if (!URL.canParse(media.directPath, base.href)) return undefined;
  const url = new URL(media.directPath, base.href);
  return url.origin === base.origin ? url : undefined;
}

function loopbackOrigin(url: string | undefined): URL | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { origin, hostname, protocol } = new URL(url);
  return LOOPBACK.has(hostname) && ['http:', 'https:'].includes(protocol) ? new URL(origin) : undefined;
}

async function download(media: MediaReference, request: FetchRequest, ports: MediaPorts): Promise<Download> {
  const url = mediaUrl(media, ports.serverUrl);
  if (url === undefined)
    return { kind: 'gone', reason: 'the message points to a place that is not WhatsApp’s' };
  const idle = new AbortController();
  const idleMs = ports.idleMs ?? IDLE_MS;
  const timer = setTimeout(() => idle.abort(), idleMs);
  const overall = AbortSignal.timeout(ports.overallMs ?? OVERALL_MS);
  try {
    const signal = AbortSignal.any([request.signal, overall, idle.signal]);
    // A redirect is an answer like any other wrong one: it could lead anywhere.
    const response = await fetch(url.href, {
      redirect: 'manual',
      headers: { Origin: DEFAULT_ORIGIN },
      signal,
    });
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      if (LOST.has(response.status)) return { kind: 'lost' };
      return failed(`WhatsApp’s media server answered ${response.status}`);
    }
    return await save(response.body, media, request, ports.openFile ?? open, () => timer.refresh());
  } catch (error) {
    if (request.signal.aborted) return failed('stopped');
    if (idle.signal.aborted) return failed(`nothing came for ${idleMs / SECOND} s`);
    if (overall.aborted) return failed('it took too long');
    return failed(causeOf(error));
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return textOf(cause ?? error);
}

/** Writes the opened file, and removes it again unless it is whole. */
async function save(
  body: AsyncIterable<Uint8Array>,
  media: MediaReference,
  { file, maxBytes }: FetchRequest,
  openFile: typeof open,
  onBytes: () => void,
): Promise<FetchOutcome> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = await openFile(file, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o644);
  let isWhole = false;
  const write = async (): Promise<FetchOutcome> => {
    const outcome = await decrypt(body, media, handle, maxBytes, onBytes);
    if (outcome.kind === 'fetched') {
      await handle.chmod(0o644);
      await handle.sync();
    }
    return outcome;
  };
  return withCleanUp(
    async () => {
      const outcome = await withCleanUp(write, () => handle.close());
      isWhole = outcome.kind === 'fetched';
      return outcome;
    },
    async () => {
      if (!isWhole) await rm(file, { force: true });
    },
  );
}

async function decrypt(
  body: AsyncIterable<Uint8Array>,
  media: MediaReference,
  handle: FileHandle,
  maxBytes: number,
  onBytes: () => void,
): Promise<FetchOutcome> {
  const { cipherKey, iv, macKey } = await getMediaKeys(media.mediaKey, media.type);
  if (macKey === undefined) throw new Error('the media keys have no key for the MAC');
  const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv);
  const mac = createHmac('sha256', macKey).update(iv);
  const encrypted = createHash('sha256');
  const plain = createHash('sha256');
  let written = 0;
  let read = 0;
  let held: Uint8Array = Buffer.alloc(0);
  const write = async (bytes: Buffer): Promise<void> => {
    plain.update(bytes);
    written += bytes.length;
    if (bytes.length > 0) await handle.writeFile(bytes);
  };
  for await (const chunk of body) {
    onBytes();
    read += chunk.length;
    if (read > maxBytes + OVERHEAD_BYTES) return { kind: 'too_large' };
    encrypted.update(chunk);
    const all = Buffer.concat([held, chunk]);
    const end = Math.max(0, all.length - MAC_BYTES);
    mac.update(all.subarray(0, end));
    held = all.subarray(end);
    await write(decipher.update(all.subarray(0, end)));
  }
  if (held.length < MAC_BYTES || !timingSafeEqual(mac.digest().subarray(0, MAC_BYTES), held))
    return failed('it arrived cut off or damaged');
  await write(decipher.final());
  if (written > maxBytes) return { kind: 'too_large' };
  if (!isHash(encrypted.digest(), media.fileEncSha256) || !isHash(plain.digest(), media.fileSha256))
    return failed('it is not the file that the message says (its hash differs)');
  return { kind: 'fetched', bytes: written };
}

function isHash(found: Buffer, expected: Uint8Array | undefined): boolean {
  return expected === undefined || found.equals(expected);
}
