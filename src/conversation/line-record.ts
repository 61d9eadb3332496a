import { DateTime } from 'luxon';
import type { LineState } from '../channel/channel.ts';
import { type Clock, MINUTE } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import { Waker } from '../waker.ts';

/** A shorter absence is not worth a message. */
const WORTH_TELLING_MS = 10 * MINUTE;

/** A state that the line came into, in milliseconds since the epoch. */
interface Entry {
  readonly state: LineState;
  readonly at: number;
}

/**
 * What the database knows of the line: its state and since when, for `status`, and when it was lost, which survives a
 * restart. The first time that it is open again after a long absence, the main channel is told, once. While the database takes
 * nothing, what happened waits in memory: the line goes on.
 */
export class LineRecord {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #timezone: string;
  readonly #waiting: Entry[] = [];
  readonly #waker: Waker;
  #status: LineState['status'] | undefined;

  constructor(store: Store, clock: Clock, timezone: string, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#timezone = timezone;
    this.#waker = new Waker(() => this.#writeAll(), clock, log);
  }

  /** Never throws. */
  onLine(state: LineState): void {
    this.#waiting.push({ state, at: this.#clock.now() });
    if (this.#waiting.length === 1) this.#waker.wake();
  }

  /** Tries a last time and keeps nothing running. */
  stop(): void {
    this.#waker.wake();
    this.#waker.stop();
  }

  #writeAll(): undefined {
    for (let entry = this.#waiting[0]; entry !== undefined; entry = this.#waiting[0]) {
      this.#write(entry);
      this.#waiting.shift();
    }
  }

  #write({ state, at }: Entry): void {
    this.#store.transaction(() => {
      this.#store.state.set('line', inWords(state));
      if (state.status === this.#status) return;
      this.#store.state.set('line:since', new Date(at).toISOString());
      if (state.status === 'open') this.#isBack(at);
      else if (this.#isLost()) this.#store.state.set('line:lost', new Date(at).toISOString());
    });
    this.#status = state.status;
  }

  /** The line was open, in this process or in an earlier one of this account: a host may start without a network. */
  #isLost(): boolean {
    const { state } = this.#store;
    return this.#status === 'open' || (!state.get('line:lost') && state.get('account') !== undefined);
  }

  #isBack(now: number): void {
    const lost = Date.parse(this.#store.state.get('line:lost') ?? '');
    this.#store.state.set('line:lost', '');
    const main = this.#store.groups.main();
    if (Number.isNaN(lost) || now - lost < WORTH_TELLING_MS || main === undefined) return;
    const text = `ℹ️ I was away from ${this.#span(lost, now)}, without a connection to WhatsApp. What came meanwhile is answered now.`;
    this.#store.outbox.add({ chatJid: main.jid, message: { kind: 'text', text }, source: 'notice' }, now);
  }

  #span(from: number, to: number): string {
    const [start, end] = [from, to].map((at) =>
      DateTime.fromMillis(at, { zone: this.#timezone }).setLocale('en-GB'),
    );
    if (start === undefined || end === undefined) return '';
    const form = start.hasSame(end, 'day') ? 'HH:mm' : 'ccc d LLL, HH:mm';
    return `${start.toFormat(form)} to ${end.toFormat(form)}`;
  }
}

function inWords(state: LineState): string {
  const reason = 'reason' in state && state.reason !== undefined ? `: ${state.reason}` : '';
  return `${state.status}${reason}`;
}
