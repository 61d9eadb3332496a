import { ContainerRunner } from '../../../src/agent/container-runner.ts';
import { Conversation } from '../../../src/conversation/conversation.ts';
import { Settlement } from '../../../src/conversation/settlement.ts';
import { Intake } from '../../../src/mailbox/intake.ts';
import { Mailbox } from '../../../src/mailbox/mailbox.ts';
import { Processor } from '../../../src/mailbox/processor.ts';
import { Quarantine } from '../../../src/mailbox/quarantine.ts';
import { Claims } from '../../../src/store/claims.ts';
import { Database } from '../../../src/store/database.ts';
import { Messages } from '../../../src/store/messages.ts';
import { Outbox } from '../../../src/store/outbox.ts';
import { Runs } from '../../../src/store/runs.ts';
import { Tasks } from '../../../src/store/tasks.ts';

/** A method whose calls are counted. */
interface Point {
  readonly owner: object;
  readonly method: string;
  /** Absent: every call counts. */
  readonly counts?: (argument: unknown) => boolean;
}

const has =
  (key: string, value: unknown) =>
  (argument: unknown): boolean =>
    (argument as Record<string, unknown>)[key] === value;

/** The steps from one state to the next, as the methods that take them. */
export const POINTS = {
  'message stored': { owner: Messages.prototype, method: 'add', counts: has('isTrigger', true) },
  'run claimed': { owner: Runs.prototype, method: 'startChat' },
  'sandbox started': { owner: ContainerRunner.prototype, method: 'run' },
  'answer committed': { owner: Outbox.prototype, method: 'add', counts: has('source', 'reply') },
  'send begun': { owner: Outbox.prototype, method: 'beginSend' },
  'send settled': { owner: Outbox.prototype, method: 'settle' },
  'run settled': { owner: Runs.prototype, method: 'end' },
  'file claimed': { owner: Intake.prototype, method: 'claim' },
  'effect committed': { owner: Claims.prototype, method: 'add' },
  'file concluded': { owner: Processor.prototype, method: 'process' },
  'file quarantined': { owner: Quarantine.prototype, method: 'put' },
  'slot claimed': { owner: Runs.prototype, method: 'queueTask' },
  'task started': { owner: Runs.prototype, method: 'startQueued' },
  'task settled': { owner: Tasks.prototype, method: 'logRun' },
  'database opened': { owner: Database, method: 'open' },
  'mailboxes drained': { owner: Mailbox.prototype, method: 'start' },
  'run interrupted': { owner: Settlement.prototype, method: 'interrupt' },
  'runs cut off settled': { owner: Conversation.prototype, method: 'settleInterrupted' },
} as const satisfies Record<string, Point>;

export type PointName = keyof typeof POINTS;

export function pointNamed(name: PointName): Point {
  return POINTS[name];
}
