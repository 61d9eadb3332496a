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

/** What the parent says: after how many points, counted from now, to end (0: not at all), and what to send. */
export interface Order {
  readonly points: number;
  readonly send?: { readonly chat: string; readonly id: string; readonly text: string };
}

/** What the parent is told. */
export type Told =
  | { readonly line: LineState }
  /** From here on points are counted as the parent ordered. */
  | { readonly counts: true }
  /** The wire id of what the parent had sent. */
  | { readonly sent: string; readonly outcome: SendOutcome };

/**
 * What lies between the phone and the store, ending by SIGKILL right before or after the n-th write to a database or to the network, counted
 * from the start or from an order of the parent. The parent is told of the line's states and of how its sends ended.
 */
const [root = '', url = '', rootKey = '', fromStart = '0'] = process.argv.slice(2);

let left = 0;
function point(): void {
  if (left > 0 && --left === 0) process.kill(process.pid, 'SIGKILL');
}

type Call = (this: unknown, ...values: unknown[]) => unknown;
function countCalls(owner: object, method: string): void {
  const call = Reflect.get(owner, method) as Call;
  const counted: Call = function (...values) {
    point();
    const result = call.apply(this, values);
    point();
    return result;
  };
  Reflect.set(owner, method, counted);
}
const probe = new BetterSqlite3(':memory:');
countCalls(Object.getPrototypeOf(probe.prepare('BEGIN')) as object, 'run');
probe.close();
// Below the buffer of the stream: after these the kernel has the bytes.
countCalls(Socket.prototype, '_write');
countCalls(Socket.prototype, '_writev');

function tell(told: Told): void {
  process.send?.(told);
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
  onLine: (line) => tell({ line }),
});
process.on('message', ({ points, send }: Order) => {
  left = points;
  tell({ counts: true });
  if (send === undefined) return;
  const { chat, id, text } = send;
  void channel.send(chat, { kind: 'text', text }, id).then((outcome) => tell({ sent: id, outcome }));
});
left = Number(fromStart);
await channel.start();
