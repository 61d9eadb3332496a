import type { KillOrder, Moment } from './probe/orders.ts';
import type { PointName } from './probe/points.ts';

/** Between which two states a kill falls, and how it is brought about. */
export interface Stratum {
  readonly name: string;
  readonly kill: PointKill | WireKill | TimedKill | StartKill;
}

/** The host kills itself at a step. */
interface PointKill {
  readonly kind: 'point';
  readonly point: PointName;
  readonly moment: Moment;
  /** The highest call that a round surely comes to. */
  readonly most: { readonly full: number; readonly small: number };
}

/** The host is killed when the server has a message of its, and the ack is kept back. */
interface WireKill {
  readonly kind: 'wire';
  readonly most: PointKill['most'];
}

/** The host is killed after a time. */
interface TimedKill {
  readonly kind: 'timed';
}

/** The host is killed while work is under way, and the next one kills itself at a step of its start. */
interface StartKill {
  readonly kind: 'start';
  readonly order: KillOrder;
}

const MANY = { full: 40, small: 5 };
const SOME = { full: 10, small: 2 };
const FEW = { full: 4, small: 1 };

function at(name: string, point: PointName, moment: Moment, most: PointKill['most']): Stratum {
  return { name, kill: { kind: 'point', point, moment, most } };
}

function atStart(name: string, point: PointName, moment: Moment, nth = 1): Stratum {
  return { name, kill: { kind: 'start', order: { point, moment, nth } } };
}

/**
 * The states, in pairs of adjacent ones; a pair may have more than one stratum.
 * - message: received → stored → run claimed → sandbox running → answer committed → outbox sending → bytes left → acked → settled
 * - mailbox file: dropped → claimed → committed → unlinked, or in quarantine
 * - task: due → claimed → started → settled
 * - the next start: database open, mailboxes drained, each run settled, all settled
 */
export const STRATA: readonly Stratum[] = [
  at('message received, not stored', 'message stored', 'before', MANY),
  at('message written, not committed', 'message stored', 'inside', MANY),
  at('message stored, run not claimed', 'message stored', 'after', MANY),
  at('run written, not committed', 'run claimed', 'inside', SOME),
  at('run claimed, no sandbox', 'run claimed', 'after', SOME),
  at('sandbox running', 'sandbox started', 'after', SOME),
  at('answer there, not written', 'answer committed', 'before', SOME),
  at('answer written, not committed', 'answer committed', 'inside', SOME),
  at('answer committed, not sending', 'answer committed', 'after', SOME),
  at('sending, bytes not left', 'send begun', 'after', SOME),
  { name: 'bytes left, not acked', kill: { kind: 'wire', most: SOME } },
  at('acked, not settled', 'send settled', 'before', SOME),
  at('send settled', 'send settled', 'after', SOME),
  at('answered, run not settled', 'run settled', 'before', SOME),
  at('run settled', 'run settled', 'after', SOME),
  at('file dropped, not claimed', 'file claimed', 'before', SOME),
  at('file claimed, not committed', 'file claimed', 'after', SOME),
  at('effect written, not committed', 'effect committed', 'inside', SOME),
  at('effect committed, file not unlinked', 'effect committed', 'after', SOME),
  at('file unlinked', 'file concluded', 'after', SOME),
  at('file refused, not in quarantine', 'file quarantined', 'before', { full: 2, small: 1 }),
  at('file in quarantine', 'file quarantined', 'after', { full: 2, small: 1 }),
  at('slot due, not claimed', 'slot claimed', 'before', FEW),
  at('slot written, not committed', 'slot claimed', 'inside', FEW),
  at('slot claimed, not started', 'slot claimed', 'after', FEW),
  at('task started', 'task started', 'after', FEW),
  at('task ran, not settled', 'task settled', 'before', FEW),
  at('task settled', 'task settled', 'after', FEW),
  atStart('start: database open', 'database opened', 'after'),
  atStart('start: first leftover file', 'file concluded', 'before'),
  atStart('start: mailboxes drained', 'mailboxes drained', 'after'),
  atStart('start: first run settled', 'run interrupted', 'after'),
  atStart('start: one run settled, the next not', 'run interrupted', 'before', 2),
  atStart('start: runs settled', 'runs cut off settled', 'after'),
];

export const TIMED: Stratum = { name: 'at any time', kill: { kind: 'timed' } };

/** @throws Error when there is none */
export function stratumNamed(name: string): Stratum {
  const found = STRATA.find((stratum) => stratum.name === name);
  if (found === undefined) throw new Error(`there is no stratum ${JSON.stringify(name)}`);
  return found;
}
