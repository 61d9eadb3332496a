import { HOUR, parseInstant } from '../clock.ts';
import { formatLocal } from '../schedule/schedule.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { OutboxStatus } from '../store/outbox.ts';
import { MODEL_UNAVAILABLE, type Run } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { GroupUse } from '../store/usage.ts';
import { type DiskTrouble, troubleWords } from './disk.ts';

/** What an operator wants to know at a glance. */
export interface Status {
  /** The running host's process, or null when none runs. */
  readonly hostPid: number | null;
  /** The line as the host saw it last. */
  readonly line: string;
  /** ISO instant since when the line is so, or null. */
  readonly lineSince: string | null;
  /** The version of WhatsApp Web that the next connection uses, and its age, in words. */
  readonly version: string;
  /** What WhatsApp does not let the account do, in words, or null. */
  readonly restriction: string | null;
  /** What the agents run in, and what network they have there. */
  readonly sandbox: string;
  /** Who may call the assistant, as the host read it last. */
  readonly senders: string;
  readonly groups: number;
  readonly main: string | null;
  readonly activeTasks: number;
  /** ISO instant of the next task, or null. */
  readonly nextTask: string | null;
  readonly turnsUnderWay: number;
  /** Chats in which somebody waits for an answer. */
  readonly chatsWaiting: number;
  /** What waits because the model's service is unavailable, and the ISO instant since when; null: nothing. */
  readonly modelUnavailable: {
    readonly chats: number;
    readonly tasks: number;
    readonly since: string;
  } | null;
  readonly outbox: Readonly<Record<OutboxStatus, number>>;
  /** Disks of the root that take nothing now. */
  readonly disks: readonly DiskTrouble[];
  /** What the models used in the last 24 hours, per group and agent. */
  readonly usage: readonly GroupUse[];
}

/**
 * @param hostPid the process that holds the root's lock, or null
 * @param now milliseconds since the epoch
 * @param disks what was found when they were tried
 * @param version that of WhatsApp Web, in words
 * @param start names the start of the host that holds the lock; undefined: it is not known
 */
export function readStatus(
  store: Store,
  hostPid: number | null,
  now: number,
  disks: readonly DiskTrouble[],
  version: string,
  start?: string,
): Status {
  const groups: readonly RegisteredGroup[] = store.groups.all();
  const nextDue = store.tasks.nextDue();
  const counts = store.outbox.counts();
  const count = (status: OutboxStatus): number => counts.get(status) ?? 0;
  return {
    hostPid,
    line: hostPid === null ? 'not running' : lineOf(store, start),
    lineSince: (hostPid !== null && isRecordOf(store, start) && store.state.get('line:since')) || null,
    version,
    restriction: store.state.get('restriction') || null,
    sandbox: store.state.get('sandbox') ?? 'unknown before the first start',
    senders: store.state.get('senders') ?? 'unknown before the first start',
    groups: groups.length,
    main: groups.find(({ isMain }) => isMain)?.jid ?? null,
    activeTasks: store.tasks.all().filter(({ status }) => status === 'active').length,
    nextTask: nextDue === undefined ? null : new Date(nextDue).toISOString(),
    // What a crash left behind is settled by the next start; nothing is under way.
    turnsUnderWay: hostPid === null || !isRecordOf(store, start) ? 0 : store.runs.running().length,
    chatsWaiting: store.messages.waiting().length,
    modelUnavailable: readModelUnavailable(store),
    outbox: {
      queued: count('queued'),
      sending: count('sending'),
      sent: count('sent'),
      failed: count('failed'),
      unknown: count('unknown'),
    },
    disks,
    usage: store.usage.byGroup(now - 24 * HOUR),
  };
}

function readModelUnavailable(store: Store): Status['modelUnavailable'] {
  const outages = (tries: readonly (readonly Run[])[]): readonly (readonly Run[])[] =>
    tries
      .map((all) => all.slice(all.findLastIndex(({ exitReason }) => exitReason !== MODEL_UNAVAILABLE) + 1))
      .filter((all) => all.length > 0);
  const chats = outages(
    store.messages.waiting().map(({ chatJid, firstSeq }) => store.runs.tries(chatJid, firstSeq)),
  );
  const tasks = outages(
    store.runs.queued().map(({ taskId, slot }) => {
      const tries = store.runs.slotTries(taskId ?? '', slot ?? '');
      return tries.filter(({ status }) => status !== 'queued');
    }),
  );
  const since = [...chats, ...tasks].map(([first]) => first?.endedAt ?? '').toSorted()[0];
  return since === undefined ? null : { chats: chats.length, tasks: tasks.length, since };
}

/**
 * The line as the host that holds the lock saw it last: what an earlier one left is no news of this one.
 * @param start names the start of that host; undefined: it is not known
 */
export function lineOf(store: Store, start: string | undefined): string {
  return isRecordOf(store, start) ? (store.state.get('line') ?? 'unknown') : 'starting';
}

function isRecordOf(store: Store, start: string | undefined): boolean {
  return start === undefined || store.state.get('line:host') === start;
}

/**
 * The same in lines for a person.
 * @param timezone the zone in which times are shown
 * @param now milliseconds since the epoch
 */
export function formatStatus(status: Status, timezone: string, now: number): string {
  const { outbox, usage, lineSince, restriction } = status;
  const since = lineSince === null ? '' : ` (since ${formatLocal(parseInstant(lineSince), timezone)})`;
  return [
    `Host      ${status.hostPid === null ? 'not running' : `running, process ${status.hostPid}`}`,
    `WhatsApp  ${status.line}${since}`,
    ...whatToDo(status, now),
    `Version   WhatsApp Web ${status.version}`,
    ...formatDisks(status),
    ...(restriction === null ? [] : [`          restricted: ${restriction}`]),
    `Sandbox   ${status.sandbox}`,
    `Callers   ${status.senders}`,
    `Groups    ${status.groups}${status.main === null ? ' (no main channel yet: pair first)' : ''}`,
    `Tasks     ${status.activeTasks} active${status.nextTask === null ? '' : `, next ${status.nextTask}`}`,
    `Turns     ${status.turnsUnderWay} under way, ${status.chatsWaiting} ${status.chatsWaiting === 1 ? 'chat waits' : 'chats wait'}`,
    ...formatModelUnavailable(status, timezone),
    `Outbox    ${outbox.queued + outbox.sending} waiting, ${outbox.sent} sent, ${outbox.failed} refused, ${outbox.unknown} unconfirmed`,
    ...usage.map(
      ({ folder, provider, inputTokens, outputTokens }) =>
        `Tokens    ${inputTokens} in, ${outputTokens} out in 24 hours (${folder}, ${provider})`,
    ),
  ].join('\n');
}

function formatModelUnavailable({ modelUnavailable }: Status, timezone: string): readonly string[] {
  if (modelUnavailable === null) return [];
  const { chats, tasks, since } = modelUnavailable;
  const waits = [
    chats === 0 ? undefined : `${chats} ${chats === 1 ? 'chat' : 'chats'}`,
    tasks === 0 ? undefined : `${tasks} ${tasks === 1 ? 'task' : 'tasks'}`,
  ];
  const waiting = waits.filter((part) => part !== undefined).join(' and ');
  const from = formatLocal(parseInstant(since), timezone);
  return [`Model     service unavailable since ${from}: ${waiting} waiting, retried for up to an hour`];
}

/** Why nothing goes on, and what waits because of it. */
function formatDisks({ disks, hostPid, chatsWaiting, outbox }: Status): readonly string[] {
  if (disks.length === 0) return [];
  const waits = `${chatsWaiting} ${chatsWaiting === 1 ? 'chat' : 'chats'} and ${outbox.queued + outbox.sending} to be sent`;
  return [
    ...disks.flatMap((trouble) => [`Disk      ${troubleWords(trouble)}`, `          ${trouble.cure}`]),
    `          Until then all waits: ${waits}; files of agents, due tasks, and new messages, which stay at WhatsApp.`,
    `          Nothing that was taken is lost, and ${hostPid === null ? 'the next start goes on with it' : 'the host goes on by itself'}.`,
  ];
}

/** For a line that is not open; one that has stopped says itself what the owner must do. */
function whatToDo({ hostPid, line, lineSince }: Status, now: number): readonly string[] {
  if (hostPid === null) return ['          Start it with: npm start'];
  if (line.startsWith('unpaired'))
    return ['          Stop the host, then link an account with: ./nanoclaw pair'];
  if (line.startsWith('connecting')) {
    const hours = lineSince === null ? 0 : Math.floor((now - parseInstant(lineSince)) / HOUR);
    return [
      ...(hours < 1
        ? []
        : [`          No connection for ${hours} h. The log says more: logs/nanoclaw.error.log`]),
      '          It is tried again by itself; what is to be sent waits. Is this machine online?',
    ];
  }
  return [];
}
