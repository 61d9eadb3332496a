import { shortened } from '../../../../../src/protocol/graphemes.ts';
import type { TaskSnapshot } from '../../../../../src/protocol/host-files.ts';
import { describeInstant } from '../../providers/offline/local-time.ts';

/** One line of a list shows this much of a task's prompt. */
const MAX_PROMPT = 200;

/** A task on one line, its next run in local time. */
export function describeTask(
  task: TaskSnapshot,
  { groupFolder, timezone }: { readonly groupFolder: string; readonly timezone: string },
): string {
  const next = task.status === 'active' && task.next_run !== null ? Date.parse(task.next_run) : Number.NaN;
  const parts = [
    `${task.id}: ${shorten(task.prompt)}`,
    `${task.schedule_type} ${task.schedule_value}`,
    task.status,
    Number.isNaN(next) ? undefined : `next run ${describeInstant(new Date(next), timezone)} (local time)`,
    task.script === undefined ? undefined : 'with a script',
    task.groupFolder === groupFolder ? undefined : `in the group ${task.groupFolder}`,
  ];
  return `- ${parts.filter((part) => part !== undefined).join(' · ')}`;
}

function shorten(prompt: string): string {
  return shortened(prompt.replace(/\s+/g, ' ').trim(), MAX_PROMPT);
}
