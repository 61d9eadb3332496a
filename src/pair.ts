import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { LineState } from './channel/channel.ts';
import { MINUTE, SECOND, systemClock } from './clock.ts';
import type { BaseConfig } from './config.ts';
import { openInstance } from './instance.ts';
import { archiveCredentials, inspectCredentials, oldVersionAdvice, versionInUse, wireLine } from './line.ts';
import type { Log } from './log.ts';
import type { Store } from './store/store.ts';
import { DEFAULT_TIMINGS } from './timings.ts';

export interface PairOptions {
  readonly config: BaseConfig;
  readonly log: Log;
  readonly onLine: (state: LineState) => void;
  readonly keepOfferingQr: boolean;
  /** The account's phone number, digits only: it is linked by a code instead of a QR. */
  readonly pairWith?: string | undefined;
  /** The present account, if there is one, is archived first: its credentials do not work any more. */
  readonly isNew?: boolean | undefined;
  /** Gives the pairing up. */
  readonly signal: AbortSignal;
  /** How long codes are offered, in milliseconds. */
  readonly patienceMs?: number | undefined;
  /** How long the first message may be on its way to the server and back, in milliseconds. */
  readonly helloMs?: number | undefined;
}

/**
 * - `linked`: `number` is the account's, digits only. `hello`: whether the first message to the owner's own chat is known
 *   to have arrived; `none`: this linking was greeted before.
 * - `stopped`: `reason` says what the owner must do. Nothing is left of the pairing.
 */
export type PairOutcome =
  | {
      readonly kind: 'linked';
      readonly number: string;
      readonly name: string | undefined;
      readonly hello: 'sent' | 'unconfirmed' | 'none';
    }
  | { readonly kind: 'stopped'; readonly reason: string };

type Linked = Extract<PairOutcome, { kind: 'linked' }>;

/** Nobody looks at a screen for so long without a phone in their hand. */
const PATIENCE_MS = 10 * MINUTE;
/** A send is given up after 30 s. */
const HELLO_MS = 35 * SECOND;
/** Nothing rings when a row is settled; this command lives for seconds. */
const LOOK_AGAIN_MS = 50;

/**
 * Links this machine to a WhatsApp account and greets its owner; no agent is needed for it.
 * What arrives meanwhile is stored and answered by the next start.
 * @throws HostLockError, DatabaseError, the credentials' errors
 */
export async function pair(options: PairOptions): Promise<PairOutcome> {
  const { config, log, onLine, keepOfferingQr, pairWith, signal } = options;
  const { patienceMs = PATIENCE_MS, helloMs = HELLO_MS } = options;
  const { paths, store, close } = await openInstance(config, log);
  try {
    if (options.isNew) archiveCredentials(paths.whatsappDatabase, systemClock.now(), log);
    let settle: (failure: string | undefined) => void = () => undefined;
    const ended = new Promise<string | undefined>((resolve) => {
      settle = resolve;
    });
    const { channel, delivery, welcome, stop } = wireLine({
      config,
      paths,
      store,
      clock: systemClock,
      newId: uuidv7,
      log,
      timings: DEFAULT_TIMINGS,
      keepOfferingQr,
      pairWith,
      onLine: (state) => {
        onLine(state);
        if (state.status === 'open') settle(undefined);
        if (state.status === 'stopped') settle(state.reason);
      },
    });
    const timer = setTimeout(() => settle(lateBecause(channel.state, patienceMs)), patienceMs);
    const giveUp = (): void => settle('The pairing was given up; nothing is left of it.');
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else await channel.start();
    const failure = await ended;
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
    const hello = failure === undefined ? await helloOf(store, welcome.greeting, helloMs) : 'none';
    await delivery.stop(failure === undefined ? helloMs : 0);
    await channel.stop();
    stop();
    const summary = inspectCredentials(paths.whatsappDatabase);
    if (failure !== undefined || summary.status !== 'paired') {
      const inUse = versionInUse(paths.whatsappVersion, config.whatsapp.version);
      const advice = signal.aborted ? undefined : oldVersionAdvice(inUse, systemClock.now());
      const reason = failure ?? 'The account was unlinked again at once.';
      return { kind: 'stopped', reason: advice === undefined ? reason : `${reason}\n${advice}.` };
    }
    return { kind: 'linked', number: summary.number, name: summary.name, hello };
  } finally {
    close();
  }
}

function lateBecause(state: LineState, patienceMs: number): string {
  const minutes = `${Math.ceil(patienceMs / MINUTE)} minutes`;
  return state.status === 'connecting' && state.reason !== undefined
    ? `WhatsApp could not be reached in ${minutes} (${state.reason}). Is this machine online? Begin again with: ./nanoclaw pair`
    : `Nobody linked a phone in ${minutes}. Begin again with: ./nanoclaw pair`;
}

/** How the first message ended, or how far it came in time. @param seq its row; undefined: there is none */
async function helloOf(store: Store, seq: number | undefined, patienceMs: number): Promise<Linked['hello']> {
  if (seq === undefined) return 'none';
  const until = systemClock.now() + patienceMs;
  for (;;) {
    const status = store.outbox.statusOf(seq);
    if (status === 'sent') return 'sent';
    const isOver = status === 'failed' || status === 'unknown' || systemClock.now() >= until;
    if (isOver) return 'unconfirmed';
    await sleep(LOOK_AGAIN_MS);
  }
}
