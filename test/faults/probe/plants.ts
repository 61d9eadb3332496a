import { unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import BetterSqlite3 from 'better-sqlite3';
import { Quarantine, type Refused } from '../../../src/mailbox/quarantine.ts';
import { type Claim, Claims } from '../../../src/store/claims.ts';
import { Messages } from '../../../src/store/messages.ts';
import { Outbox, type OutboxRow } from '../../../src/store/outbox.ts';
import { type Run, Runs } from '../../../src/store/runs.ts';
import { type Task, type TaskChange, Tasks } from '../../../src/store/tasks.ts';
import { wrap } from './wrap.ts';

/** Changes the text of a statement on its way to SQLite. */
function rewrite(from: string, to: string): void {
  wrap(BetterSqlite3.prototype, 'prepare', (original, [sql]) => original((sql as string).replace(from, to)));
}

/** As a host that saves its cursor before the run. */
function cursorBeforeTheAnswer(): void {
  let messages: Messages | undefined;
  wrap(Messages.prototype, 'waiting', (original, args, self) => {
    messages = self as Messages;
    return original(...args);
  });
  wrap(Runs.prototype, 'startChat', (original, args) => {
    const run = original(...args) as Run;
    messages?.moveCursor(run.chatJid, run.lastSeq ?? 0);
    return run;
  });
}

function unlinkBeforeTheCommit(): void {
  wrap(Claims.prototype, 'add', (original, args) => {
    const { folder, claimId } = args[0] as Claim;
    unlinkSync(join(process.env.NANOCLAW_ROOT ?? '', 'data', 'ipc-claimed', folder, claimId));
    return original(...args);
  });
}

/** The stored wire id is not looked at, and a resend puts its own in its place. */
function newIdOnAResend(): void {
  rewrite('COALESCE(wire_id, ?)', '?');
  wrap(Outbox.prototype, 'heads', (original, args) =>
    (original(...args) as readonly OutboxRow[]).map((row) => ({ ...row, wireId: null })),
  );
}

/**
 * A task's slot is taken out of the schedule when its run has ended; until then only this process knows that it was started. What the
 * database would refuse by itself is let through.
 */
function claimAfterTheStart(): void {
  const unclaimed = new Map<string, () => void>();
  let attempts = Date.now() % 1_000_000_000;
  wrap(Tasks.prototype, 'change', (original, args) => {
    const [id, { nextRun, lastRun }] = args as [string, TaskChange];
    if (nextRun === undefined || lastRun === undefined) return original(...args);
    unclaimed.set(id, () => original(...args));
    return true;
  });
  wrap(Tasks.prototype, 'due', (original, args) =>
    (original(...args) as readonly Task[]).filter(({ id }) => !unclaimed.has(id)),
  );
  wrap(Runs.prototype, 'slotTries', () => []);
  wrap(Runs.prototype, 'queueTask', (original, [run, at]) => {
    attempts += 1;
    return original({ ...(run as object), attempt: attempts }, at);
  });
  wrap(Tasks.prototype, 'logRun', (original, args) => {
    const { taskId } = args[0] as { taskId: string };
    unclaimed.get(taskId)?.();
    unclaimed.delete(taskId);
    return original(...args);
  });
}

/** A claimed file whose effect is there already is taken for a new one. */
function dedupeOff(): void {
  rewrite('INSERT INTO mailbox_claims', 'INSERT OR REPLACE INTO mailbox_claims');
  wrap(Claims.prototype, 'find', () => undefined);
}

function quarantineThatDrops(): void {
  wrap(Quarantine.prototype, 'put', (_, args) => unlink((args[0] as Refused).path));
}

/** Faults of the host itself, which the checker must find. */
export const PLANTS = {
  'cursor before the answer': cursorBeforeTheAnswer,
  'unlink before the commit': unlinkBeforeTheCommit,
  'new id on a resend': newIdOnAResend,
  'claim after the start': claimAfterTheStart,
  'dedupe off': dedupeOff,
  'quarantine that drops': quarantineThatDrops,
} as const satisfies Record<string, () => void>;

export type PlantName = keyof typeof PLANTS;
