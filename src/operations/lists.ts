import { parseInstant } from '../clock.ts';
import { printable } from '../printable.ts';
import { cutText } from '../protocol/graphemes.ts';
import { formatLocal } from '../schedule/schedule.ts';
import type { RegisteredGroup } from '../store/groups.ts';
import type { Store } from '../store/store.ts';
import { inOrderOfNextRun, type Task } from '../store/tasks.ts';

/** A table for people: columns padded to their widest cell. */
function table(header: readonly string[], written: readonly (readonly string[])[]): string {
  const rows = written.map((row) => row.map(printable));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The registered groups with how many people are in each; 0: not known, or a direct chat. */
export function listGroups(store: Store): readonly (RegisteredGroup & { readonly members: number })[] {
  return store.groups.all().map((group) => ({ ...group, members: store.members.count(group.jid) }));
}

export function formatGroups(store: Store): string {
  const groups = listGroups(store);
  if (groups.length === 0) return 'No group is registered yet. Pair first: ./nanoclaw pair';
  return table(
    ['NAME', 'FOLDER', 'TRIGGER', 'MEMBERS', 'JID'],
    groups.map((group) => [
      group.isMain ? `${group.name} (main)` : group.name,
      group.folder,
      group.requiresTrigger ? group.trigger : 'none needed',
      String(group.members || '–'),
      group.jid,
    ]),
  );
}

/** In the order of their next runs. */
export function listTasks(store: Store): readonly Task[] {
  return inOrderOfNextRun(store.tasks.all());
}

/** @param timezone the zone in which next runs are shown */
export function formatTasks(store: Store, timezone: string): string {
  const tasks = listTasks(store);
  if (tasks.length === 0) return 'No task is scheduled.';
  return table(
    ['ID', 'FOLDER', 'SCHEDULE', 'STATUS', 'NEXT RUN', 'PROMPT'],
    tasks.map((task) => [
      task.id,
      task.folder,
      `${task.scheduleType} ${task.scheduleValue}`,
      task.status,
      task.status === 'active' ? nextRunWords(task.nextRun, timezone) : '–',
      cutText(task.prompt.split('\n', 1)[0] ?? '', 60),
    ]),
  );
}

function nextRunWords(nextRun: string | null, timezone: string): string {
  const instant = parseInstant(nextRun ?? '');
  return Number.isNaN(instant) ? (nextRun ?? '–') : formatLocal(instant, timezone);
}

export function formatSessions(store: Store): string {
  const sessions = store.sessions.all();
  if (sessions.length === 0) return 'No agent session exists yet.';
  return table(
    ['FOLDER', 'PROVIDER', 'SESSION'],
    sessions.map(({ folder, provider, sessionId }) => [folder, provider, sessionId]),
  );
}
