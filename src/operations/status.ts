import { HOUR } from '../clock.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { OutboxStatus } from '../store/outbox.ts';
import type { Store } from '../store/store.ts';
import type { GroupUse } from '../store/usage.ts';

/** What an operator wants to know at a glance. */
export interface Status {
  /** The running host's process, or null when none runs. */
  readonly hostPid: number | null;
  /** The line as the host saw it last. */
  readonly line: string;
  /** What the agents run in, and what network they have there. */
  readonly sandbox: string;
  readonly groups: number;
  readonly main: string | null;
  readonly activeTasks: number;
  /** ISO instant of the next task, or null. */
  readonly nextTask: string | null;
  readonly turnsUnderWay: number;
  readonly outbox: Readonly<Record<OutboxStatus, number>>;
  /** What the models used in the last 24 hours, per group and agent. */
  readonly usage: readonly GroupUse[];
}

/**
 * @param hostPid the process that holds the root's lock, or null
 * @param now milliseconds since the epoch
 */
export function readStatus(store: Store, hostPid: number | null, now: number): Status {
  const groups: readonly RegisteredGroup[] = store.groups.all();
  const nextDue = store.tasks.nextDue();
  const counts = store.outbox.counts();
  const count = (status: OutboxStatus): number => counts.get(status) ?? 0;
  return {
    hostPid,
    line: hostPid === null ? 'not running' : (store.state.get('line') ?? 'unknown'),
    sandbox: store.state.get('sandbox') ?? 'unknown before the first start',
    groups: groups.length,
    main: groups.find(({ isMain }) => isMain)?.jid ?? null,
    activeTasks: store.tasks.all().filter(({ status }) => status === 'active').length,
    nextTask: nextDue === undefined ? null : new Date(nextDue).toISOString(),
    // What a crash left behind is settled by the next start; nothing is under way.
    turnsUnderWay: hostPid === null ? 0 : store.runs.running().length,
    outbox: {
      queued: count('queued'),
      sending: count('sending'),
      sent: count('sent'),
      failed: count('failed'),
      unknown: count('unknown'),
    },
    usage: store.usage.byGroup(now - 24 * HOUR),
  };
}

/** The same in lines for a person. */
export function formatStatus(status: Status): string {
  const { outbox, usage } = status;
  return [
    `Host      ${status.hostPid === null ? 'not running' : `running, process ${status.hostPid}`}`,
    `WhatsApp  ${status.line}`,
    `Sandbox   ${status.sandbox}`,
    `Groups    ${status.groups}${status.main === null ? ' (no main channel yet: pair first)' : ''}`,
    `Tasks     ${status.activeTasks} active${status.nextTask === null ? '' : `, next ${status.nextTask}`}`,
    `Turns     ${status.turnsUnderWay} under way`,
    `Outbox    ${outbox.queued + outbox.sending} waiting, ${outbox.sent} sent, ${outbox.failed} refused, ${outbox.unknown} unconfirmed`,
    ...usage.map(
      ({ folder, provider, inputTokens, outputTokens }) =>
        `Tokens    ${inputTokens} in, ${outputTokens} out in 24 hours (${folder}, ${provider})`,
    ),
  ].join('\n');
}
