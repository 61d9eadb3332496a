import { DateTime } from 'luxon';
import type { LineState } from '../channel/channel.ts';
import { type Clock, parseInstant } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Timings } from '../timings.ts';
import { Waker } from '../waker.ts';

export interface LineRecordOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly timezone: string;
  readonly log: Log;
  readonly timings: Pick<Timings, 'absenceNoticeAfterMs' | 'workFailurePauseMs'>;
}

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
  readonly #options: LineRecordOptions;
  readonly #waiting: Entry[] = [];
  readonly #waker: Waker;
  #status: LineState['status'] | undefined;

  constructor(options: LineRecordOptions) {
    this.#options = options;
    this.#waker = new Waker(() => this.#writeAll(), options);
  }

  /** Never throws. */
  onLine(state: LineState): void {
    this.#waiting.push({ state, at: this.#options.clock.now() });
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
    const { store } = this.#options;
    store.transaction(() => {
      store.state.set('line', inWords(state));
      if (state.status === this.#status) return;
      store.state.set('line:since', new Date(at).toISOString());
      if (state.status === 'open') this.#isBack(at);
      else if (this.#isLost()) store.state.set('line:lost', new Date(at).toISOString());
    });
    this.#status = state.status;
  }

  /** The line was open, in this process or in an earlier one of this account: a host may start without a network. */
  #isLost(): boolean {
    const { state } = this.#options.store;
    return this.#status === 'open' || (!state.get('line:lost') && state.get('account') !== undefined);
  }

  #isBack(now: number): void {
    const { store, timings } = this.#options;
    const lost = parseInstant(store.state.get('line:lost') ?? '');
    store.state.set('line:lost', '');
    const main = store.groups.main();
    if (Number.isNaN(lost) || now - lost < timings.absenceNoticeAfterMs || main === undefined) return;
    const text = `ℹ️ I was away from ${this.#span(lost, now)}, without a connection to WhatsApp. What came meanwhile is answered now.`;
    store.outbox.add({ chatJid: main.jid, message: { kind: 'text', text }, source: 'notice' }, now);
  }

  #span(from: number, to: number): string {
    const [start, end] = [from, to].map((at) =>
      DateTime.fromMillis(at, { zone: this.#options.timezone }).setLocale('en-GB'),
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
