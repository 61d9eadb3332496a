import { HOUR, MINUTE } from '../clock.ts';
import { MAX_OUTGOING_FILE_BYTES } from '../protocol/mailbox.ts';
import { MIN_INTERVAL_MS } from '../schedule/schedule.ts';

/** What one group's mailbox may cost the host. */
export interface Limits {
  /** The largest file that is read, in bytes. */
  readonly fileBytes: number;
  /** The largest file that is sent, in bytes. */
  readonly outgoingBytes: number;
  /** A file that keeps changing is bad after this many looks, one each `mailboxSettleMs`. */
  readonly settleLooks: number;
  /** Beyond this many half-written files of a group, the next ones stay where they are until some have settled. */
  readonly settlingFiles: number;
  /** Files of one group that are taken before the next group has its turn. */
  readonly batch: number;
  /** Names that one listing of a directory holds in memory. */
  readonly listing: number;
  /** A folder in which more files wait is not watched until they are worked off. */
  readonly backlog: number;
  /** Quarantined entries per group. */
  readonly quarantineEntries: number;
  /** Quarantined bytes per group. */
  readonly quarantineBytes: number;
  /** Bytes of records per group about what was not kept or could not be moved; twice that with the older half. */
  readonly recordBytes: number;
  /** Tasks that one group may hold: each is part of every snapshot. */
  readonly tasksPerGroup: number;
  /** Messages of agents that may wait to be sent, of one run. Answers and notices do not count. */
  readonly openPerRun: number;
  /** Likewise to one chat, whichever runs they are of. */
  readonly openPerChat: number;
  /** The shortest interval of a new task, in milliseconds. */
  readonly minTaskIntervalMs: number;
  /** Warnings per group and `warningWindowMs`. */
  readonly warnings: number;
  readonly warningWindowMs: number;
  /** Temporary files that nobody has written to for this long are removed, in milliseconds. */
  readonly temporaryMs: number;
  /** Files that lie ready to be sent for this long and are named by no request are removed, in milliseconds. */
  readonly unsentMs: number;
}

const MEBIBYTE = 1024 * 1024;

export const DEFAULT_LIMITS: Limits = {
  fileBytes: MEBIBYTE,
  outgoingBytes: MAX_OUTGOING_FILE_BYTES,
  settleLooks: 60,
  settlingFiles: 1_000,
  batch: 16,
  listing: 10_000,
  backlog: 100,
  quarantineEntries: 1_000,
  quarantineBytes: 100_000_000,
  recordBytes: 16 * MEBIBYTE,
  tasksPerGroup: 1_000,
  openPerRun: 50,
  openPerChat: 200,
  minTaskIntervalMs: MIN_INTERVAL_MS,
  warnings: 5,
  warningWindowMs: MINUTE,
  temporaryMs: HOUR,
  unsentMs: 24 * HOUR,
};
