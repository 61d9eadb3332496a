import {
  Browsers,
  makeWASocket,
  type SignalKeyStore,
  type SocketConfig,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { Log } from '../../log.ts';
import { baileysLog } from './baileys-log.ts';
import { BrokenStreamError, JournalUnwritableError, textOf } from './errors.ts';
import { hardenSignatures, withTrustedRoot } from './hardening.ts';
import { superviseListeners } from './stanza-listeners.ts';
import { releaseTransactionStorage } from './transaction-storage.ts';
import type { Undecodable } from './undecodable.ts';
import { answerUnhandled } from './unhandled.ts';
import { toBaileysVersion, type WhatsAppVersion } from './version.ts';

/** Where to connect, and as what. */
export interface Endpoint {
  readonly url: string | undefined;
  /** Hex of the root key that a server on loopback certifies itself with. */
  readonly rootKey: string | undefined;
  readonly version: WhatsAppVersion;
}

export interface SocketOptions extends Endpoint {
  readonly auth: { readonly creds: SocketConfig['auth']['creds']; readonly keys: SignalKeyStore };
  readonly makeSignalRepository: SocketConfig['makeSignalRepository'];
  readonly patchMessageBeforeSending: SocketConfig['patchMessageBeforeSending'];
  readonly getMessage: SocketConfig['getMessage'];
  readonly cachedGroupMetadata: SocketConfig['cachedGroupMetadata'];
  /** How long each QR is shown, in milliseconds; absent: as WhatsApp does. */
  readonly qrTimeoutMs: number | undefined;
  readonly undecodable: Undecodable;
  readonly log: Log;
}

/** How the assistant is named among the phone's linked devices. The browser is what WhatsApp shows an icon of. */
const BROWSER = 'Chrome';

/** Makes one socket, which connects at once. */
export function openSocket(options: SocketOptions): WASocket {
  hardenSignatures();
  const { url, rootKey, version, auth, undecodable, log } = options;
  const root = rootKey === undefined ? undefined : Buffer.from(rootKey, 'hex');
  const socket = withTrustedRoot(root, () =>
    makeWASocket({
      ...(url !== undefined && { waWebSocketUrl: url }),
      version: toBaileysVersion(version),
      auth,
      browser: ['NanoClaw', BROWSER, Browsers.ubuntu(BROWSER)[2]],
      logger: undecodable.watch(baileysLog(log)),
      makeSignalRepository: options.makeSignalRepository,
      patchMessageBeforeSending: options.patchMessageBeforeSending,
      getMessage: options.getMessage,
      cachedGroupMetadata: options.cachedGroupMetadata,
      ...(options.qrTimeoutMs !== undefined && { qrTimeout: options.qrTimeoutMs }),
      // Recent history only; none at all would lose which LID is which phone number.
      syncFullHistory: false,
      // A linked device that is online silences the phone's notifications.
      markOnlineOnConnect: false,
      generateHighQualityLinkPreview: false,
    }),
  );
  releaseTransactionStorage(socket.authState.keys);
  superviseListeners(socket, {
    onFailure: (event, error, node) => {
      log.warn({ event, reason: textOf(error) }, 'A listener of the WhatsApp client failed');
      // The server keeps what has no receipt, and brings it again when the line is back.
      if (error instanceof JournalUnwritableError) void socket.end(error);
      else if (node !== undefined) undecodable.failed(socket, node, error);
    },
    onBadFrame: (error) => {
      const goesOn = !isUndecryptable(error);
      if (goesOn) undecodable.skipped(error);
      else void socket.end(new BrokenStreamError(error));
      return goesOn;
    },
    handle: async (node, call) => {
      const answer = answerUnhandled(node, auth.creds.me);
      if (answer === undefined) await undecodable.during(socket, node, call);
      else await socket.sendNode(answer);
    },
  });
  // While the backlog of an outage comes in, events are held back, and their receipts have left already:
  // without this a close would throw them away for good.
  socket.registerSocketEndHandler(() => {
    socket.ev.flush();
  });
  return socket;
}

/** Whether a frame is not the next one that the server encrypted: then no later one can be read either. */
function isUndecryptable(error: unknown): boolean {
  return textOf(error).includes('unable to authenticate data');
}

/**
 * Cuts the connection below a socket that is ending: Baileys closes politely and would wait half a minute for an
 * answer. It keeps the WebSocket to itself; there is no other way to it than by its name.
 */
export function cut(socket: WASocket): void {
  const webSocket: unknown = Reflect.get(socket.ws, 'socket');
  if (typeof webSocket !== 'object' || webSocket === null) return;
  const terminate: unknown = Reflect.get(webSocket, 'terminate');
  if (typeof terminate === 'function') terminate.call(webSocket);
}
