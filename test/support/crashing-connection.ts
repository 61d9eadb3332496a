import { Socket } from 'node:net';
import process from 'node:process';
import BetterSqlite3 from 'better-sqlite3';
import { v7 as uuidv7 } from 'uuid';
import type { LineState, SendOutcome } from '../../src/channel/channel.ts';
import { systemClock } from '../../src/clock.ts';
import { loadBaseConfig } from '../../src/config.ts';
import { openInstance } from '../../src/instance.ts';
import { wireLine } from '../../src/line.ts';
import { DEFAULT_TIMINGS } from '../../src/timings.ts';
import { silentLog } from './silent-log.ts';

/** Where to end, and what to send. */
export interface Order {
  /** After how many kill points, counted from the order, the process ends; 0: it does not. */
  readonly points: number;
  /** Only writes to the network are kill points; absent: those to a database too. */
  readonly onlyNetwork?: boolean;
  readonly send?: { readonly chat: string; readonly id: string; readonly text: string };
}

/** What the parent learns. */
export type Report =
  | { readonly connection: LineState }
  /** From here on kill points count as ordered. */
  | { readonly counts: true }
  /** The wire id of what the parent had sent. */
  | { readonly sent: string; readonly outcome: SendOutcome };

/**
 * What lies between the phone and the store, ending by SIGKILL at the n-th kill point: right before or after a write to
 * a database or to the network, counted from the start or from an order of the parent. It reports the connection's
 * states and the outcomes of its sends.
 */
const [root = '', url = '', rootKey = '', fromStart = '0'] = process.argv.slice(2);

let left = 0;
let onlyNetwork = false;
function killPoint(isNetwork: boolean): void {
  if (onlyNetwork && !isNetwork) return;
  if (left > 0 && --left === 0) process.kill(process.pid, 'SIGKILL');
}

type Call = (this: unknown, ...values: unknown[]) => unknown;
function countCalls(owner: object, method: string, isNetwork: boolean): void {
  const call = Reflect.get(owner, method) as Call;
  const counted: Call = function (...values) {
    killPoint(isNetwork);
    const result = call.apply(this, values);
    killPoint(isNetwork);
    return result;
  };
  Reflect.set(owner, method, counted);
}
const probe = new BetterSqlite3(':memory:');
countCalls(Object.getPrototypeOf(probe.prepare('BEGIN')) as object, 'run', false);
probe.close();
// Below the buffer of the stream: after these the kernel has the bytes.
countCalls(Socket.prototype, '_write', true);
countCalls(Socket.prototype, '_writev', true);

function report(what: Report): void {
  process.send?.(what);
}

const config = loadBaseConfig({
  NANOCLAW_ROOT: root,
  WHATSAPP_URL: url,
  WHATSAPP_ROOT_KEY: rootKey,
  HOME: root,
});
const { paths, store } = await openInstance(config, silentLog);
const { channel } = wireLine({
  config,
  paths,
  store,
  clock: systemClock,
  newId: uuidv7,
  log: silentLog,
  timings: DEFAULT_TIMINGS,
  keepOfferingQr: false,
  onLine: (connection) => report({ connection }),
});
process.on('message', (order: Order) => {
  left = order.points;
  onlyNetwork = order.onlyNetwork ?? false;
  report({ counts: true });
  if (order.send === undefined) return;
  const { chat, id, text } = order.send;
  void channel.send(chat, { kind: 'text', text }, id).then((outcome) => report({ sent: id, outcome }));
});
left = Number(fromStart);
await channel.start();
