import type { BaileysEventMap, WASocket } from '@whiskeysockets/baileys';
import { type Clock, HOUR, MINUTE, SECOND } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { Timings } from '../../timings.ts';
import { TICK_MS } from '../../waker.ts';
import type { LineState } from '../channel.ts';
import { ConnectTimeoutError, codeOf, DeafLineError, textOf, UpgradeRefusedError } from './errors.ts';
import type { Linking, LinkingOptions, LinkOffer } from './linking.ts';
import { type Backoff, type Reaction, reactionTo } from './reconnect.ts';
import { cut } from './socket.ts';

/** One socket and the end of its life. */
export interface LiveSocket {
  readonly socket: WASocket;
  /** Resolves when the socket is no longer ours, for whatever reason. */
  readonly gone: Promise<void>;
}

export interface ConnectionOptions {
  /** Makes a socket that connects at once, its data's listeners attached. */
  readonly openSocket: () => WASocket;
  readonly onState: (state: LineState) => void;
  /** The line has opened; called before `onState` tells of it, so that the account is known by then. */
  readonly onOpen: (live: LiveSocket) => void;
  /** The account was unlinked from the phone. */
  readonly onUnlinked: () => void;
  /** The service refused the client's version. Tells whether another one is left to try; never rejects. */
  readonly onVersionRefused: () => Promise<boolean>;
  readonly backoff: Backoff;
  /** An attempt to connect is over with the open line or the first QR; its timeout counts from the last frame. */
  readonly timings: Pick<Timings, 'connectTimeoutMs' | 'closeTimeoutMs' | 'unresponsiveAfterMs'>;
  /** Links an account by this socket, when none is linked yet. */
  readonly link: (socket: WASocket, events: Pick<LinkingOptions, 'onOffer' | 'onFailure'>) => Linking;
  /** Whether used-up QRs or codes are followed by new ones. */
  readonly keepOfferingQr: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const VERSION_REFUSED = 405;
const ABSENCE_REPORT_MS = HOUR;
/** A line that held this long was a good one: the waits begin anew. */
const STEADY_MS = MINUTE;

interface Current extends LiveSocket {
  readonly release: () => void;
  /** The line's opening, in milliseconds since the epoch. */
  openedAt: number | undefined;
  /** When something came last, in milliseconds since the epoch. */
  heardAt: number;
  /** The phone has accepted a QR or a code on it: that it is closed then, and made anew, belongs to the pairing. */
  hasPaired: boolean;
}

/**
 * The life of the line: at most one socket, at most one timer. Events of a socket that is no longer the current one
 * change nothing.
 *
 * - idle: no socket, no timer. `start` → connecting.
 * - connecting: a socket, and the timer is the watchdog (an upgrade answered by HTTP never closes by itself), which
 *   each frame renews: the backlog comes before `open`. A first QR → unpaired; `open` → open; a refused version →
 *   connecting with another one, once the current one was looked up (5 s at most); the watchdog or a close → by the table.
 * - unpaired: a socket that shows QRs, or one code that is good as long as they are, and no timer: Baileys counts their
 *   lives. A scan → connecting, where the server ends the socket with 515; QRs used up → connecting if somebody watches,
 *   else stopped.
 * - open: a socket, and the timer looks for a deaf line: Baileys pings every 30 s, so something comes. It would notice
 *   by itself, but closes politely then: 78 s were seen. A close or a long silence → by the table.
 * - waiting: no socket; the timer is the next attempt → connecting.
 * - stopped: no socket, no timer; the table says that trying again is useless. `stop`, then `start` → connecting.
 *
 * `stop` leads from every state to idle.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #state: LineState = { status: 'connecting' };
  #running = false;
  #current: Current | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A reconnect without a wait was made, and no line has held since: a server that always asks for it gets waits after all. */
  #hurried = false;
  /** When the log says next that there is no connection, in milliseconds since the epoch. */
  #reportAbsenceAt = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): LineState {
    return this.#state;
  }

  /** The open line's socket. */
  get open(): LiveSocket | undefined {
    return this.#state.status === 'open' ? this.#current : undefined;
  }

  /** Harmless when running. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#hurried = false;
    this.#reportAbsenceAt = this.#options.clock.now() + ABSENCE_REPORT_MS;
    this.#connect();
  }

  /** Resolves when no socket and no timer is left. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#clearTimer();
    const current = this.#current;
    if (current !== undefined) await this.#hangUp(current, undefined);
    this.#state = { status: 'connecting', reason: 'not started' };
  }

  #connect(): void {
    this.#clearTimer();
    const { log, openSocket } = this.#options;
    let socket: WASocket;
    try {
      socket = openSocket();
    } catch (error) {
      log.error({ err: error }, 'The WhatsApp line could not be set up');
      this.#wait(textOf(error));
      return;
    }
    let release = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      release = resolve;
    });
    const current: Current = {
      socket,
      gone,
      release,
      openedAt: undefined,
      heardAt: 0,
      hasPaired: false,
    };
    this.#current = current;
    this.#enter({ status: 'connecting' });
    this.#watch(current);
    const linking = this.#options.link(socket, {
      onOffer: (offer) => this.#offer(current, offer),
      onFailure: (error) => void this.#hangUp(current, error),
    });
    socket.ev.on('connection.update', (update) => {
      try {
        this.#updated(current, linking, update);
      } catch (error) {
        log.error({ err: error }, 'A change of the WhatsApp line could not be handled');
      }
    });
    socket.ws.on('frame', () => {
      current.heardAt = this.#options.clock.now();
      if (current === this.#current && this.#state.status === 'connecting') this.#timer?.refresh();
    });
    socket.ws.on('unexpected-response', (_request: unknown, response: { statusCode?: number }) => {
      void this.#hangUp(current, new UpgradeRefusedError(response.statusCode ?? 0));
    });
  }

  #updated(current: Current, linking: Linking, update: BaileysEventMap['connection.update']): void {
    if (current !== this.#current) return;
    if (update.qr !== undefined) linking.onQr(update.qr);
    if (update.isNewLogin) {
      current.hasPaired = true;
      this.#enter({ status: 'connecting', reason: 'paired; logging in', justPaired: true });
      this.#watch(current);
    }
    if (update.connection === 'open') this.#opened(current);
    if (update.connection === 'close') this.#closed(current, update.lastDisconnect?.error);
  }

  #offer(current: Current, offer: LinkOffer): void {
    if (current !== this.#current) return;
    this.#clearTimer();
    this.#enter({ status: 'unpaired', ...offer });
  }

  #opened(current: Current): void {
    this.#clearTimer();
    current.openedAt = this.#options.clock.now();
    current.heardAt = current.openedAt;
    this.#listenFor(current);
    this.#options.log.info('The WhatsApp line is open');
    this.#options.onOpen(current);
    this.#enter({ status: 'open' });
  }

  #closed(current: Current, error: unknown): void {
    if (current !== this.#current) return;
    this.#current = undefined;
    this.#clearTimer();
    const { backoff, clock, log } = this.#options;
    const heldMs = current.openedAt === undefined ? 0 : clock.now() - current.openedAt;
    if (heldMs >= STEADY_MS) {
      backoff.reset();
      this.#hurried = false;
    }
    if (current.openedAt !== undefined) {
      backoff.limit();
      this.#reportAbsenceAt = clock.now() + ABSENCE_REPORT_MS;
    }
    current.release();
    if (this.#running) {
      const reaction = reactionTo(error);
      log.info(
        { code: codeOf(error), reason: textOf(error), reaction: reaction.kind },
        'The WhatsApp line closed',
      );
      if (codeOf(error) === VERSION_REFUSED) void this.#tryAnotherVersion(reaction, error);
      else if (reaction.kind === 'at-once' && current.hasPaired) this.#connect();
      else this.#react(reaction, error);
    }
  }

  /** The current version may have to be looked up first: neither socket nor timer meanwhile. */
  async #tryAnotherVersion(reaction: Reaction, error: unknown): Promise<void> {
    const isLeft = await this.#options.onVersionRefused();
    if (!this.#running || this.#current !== undefined) return;
    if (isLeft) this.#connect();
    else this.#react(reaction, error);
  }

  #react(reaction: Reaction, error: unknown): void {
    const reason = error === undefined ? 'closed' : textOf(error);
    if (reaction.kind === 'back-off') {
      this.#wait(reason);
    } else if (reaction.kind === 'banned') {
      this.#waitOutBan(reaction);
    } else if (reaction.kind === 'at-once') {
      if (this.#hurried) this.#wait(reason);
      else this.#connect();
      this.#hurried = true;
    } else if (reaction.kind === 'qr-used-up' && this.#options.keepOfferingQr) {
      this.#connect();
    } else {
      this.#giveUp(reaction, codeOf(error));
    }
  }

  #giveUp(
    reaction: Exclude<Reaction, { kind: 'back-off' | 'at-once' | 'banned' }>,
    code: number | undefined,
  ): void {
    const { log, onUnlinked } = this.#options;
    log[reaction.kind === 'stop' ? 'error' : 'warn']({ code }, reaction.reason);
    try {
      if (reaction.kind === 'stop' && reaction.credentials === 'lay-aside') onUnlinked();
    } catch (failure) {
      log.error({ err: failure }, 'The old credentials could not be kept aside; they are where they were');
    }
    this.#enter({ status: 'stopped', code, reason: reaction.reason });
  }

  #waitOutBan({ reason, forMs }: Extract<Reaction, { kind: 'banned' }>): void {
    const until = this.#options.clock.now() + forMs;
    this.#options.log.error({ until: new Date(until).toISOString() }, reason);
    this.#enter({ status: 'connecting', reason: `${reason}, at ${new Date(until).toISOString()}` });
    this.#connectAt(until);
  }

  /** In ticks: a timer does not count the time for which a machine sleeps. */
  #connectAt(until: number): void {
    this.#clearTimer();
    const waitMs = Math.max(0, until - this.#options.clock.now());
    this.#timer = setTimeout(
      () => (waitMs > TICK_MS ? this.#connectAt(until) : this.#connect()),
      Math.min(waitMs, TICK_MS),
    );
  }

  #wait(reason: string): void {
    const { clock, log } = this.#options;
    if (clock.now() >= this.#reportAbsenceAt) {
      this.#reportAbsenceAt = clock.now() + ABSENCE_REPORT_MS;
      log.error(
        { reason },
        'There has been no connection to WhatsApp for an hour; it is tried again and again',
      );
    }
    const waitMs = this.#options.backoff.next();
    this.#enter({ status: 'connecting', reason: `${reason}; next try in ${Math.ceil(waitMs / SECOND)} s` });
    this.#clearTimer();
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  #watch(current: Current): void {
    const ms = this.#options.timings.connectTimeoutMs;
    this.#clearTimer();
    this.#timer = setTimeout(() => void this.#hangUp(current, new ConnectTimeoutError(ms)), ms);
  }

  /** Looks when the line would be deaf if nothing came, and no sooner. */
  #listenFor(current: Current): void {
    const { clock, timings } = this.#options;
    const { unresponsiveAfterMs } = timings;
    const silentMs = clock.now() - current.heardAt;
    this.#clearTimer();
    if (silentMs >= unresponsiveAfterMs) void this.#hangUp(current, new DeafLineError(silentMs));
    // A clock that was set back makes it no longer than this.
    else {
      const ms = Math.min(unresponsiveAfterMs, unresponsiveAfterMs - silentMs);
      this.#timer = setTimeout(() => this.#listenFor(current), ms);
    }
  }

  /** Ends a socket for certain, and treats it as closed whatever it says. */
  async #hangUp(current: Current, error: Error | undefined): Promise<void> {
    void current.socket.end(error);
    const timer = setTimeout(() => {
      cut(current.socket);
      this.#closed(current, error);
    }, this.#options.timings.closeTimeoutMs);
    await current.gone;
    clearTimeout(timer);
  }

  #enter(state: LineState): void {
    this.#state = state;
    try {
      this.#options.onState(state);
    } catch (error) {
      this.#options.log.error(
        { err: error, state: state.status },
        'A change of the WhatsApp line was not taken in',
      );
    }
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
