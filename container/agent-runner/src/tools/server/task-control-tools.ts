import { readTasks } from '../snapshots.ts';
import { answerOf, failed, nextRunText, said } from './answer.ts';
import { describeTask } from './task-list.ts';
import { taskId } from './task-tools.ts';
import type { ToolFamily } from './tool-context.ts';

const CONTROLS = [
  {
    name: 'pause_task',
    description: 'Stop a task from running until it is resumed.',
    done: 'is paused',
  },
  {
    name: 'resume_task',
    description: 'Let a paused task run again. It goes on from now; what was missed is not made up for.',
    done: 'runs again',
  },
  {
    name: 'cancel_task',
    description: 'Remove a task for good.',
    done: 'is cancelled and removed',
  },
  {
    name: 'run_task',
    description:
      'Run a task once now, beside its schedule. It starts when this turn has ended, and its answer is sent to the chat.',
    done: 'starts as soon as this turn has ended',
  },
] as const;

/** Seeing the tasks that there are, and stopping or starting them. */
export const taskControlTools: ToolFamily = (server, { mailbox, layout, isMain, groupFolder, timezone }) => {
  server.registerTool(
    'list_tasks',
    {
      description: isMain
        ? 'The scheduled tasks of all groups, with their ids and next runs.'
        : 'The scheduled tasks of this chat, with their ids and next runs.',
    },
    async () => {
      const tasks = await readTasks(layout);
      if (tasks === undefined) return failed('The list of tasks cannot be read: the host has written none.');
      if (tasks.length === 0) return said('There are no tasks.');
      return said(tasks.map((task) => describeTask(task, { groupFolder, timezone })).join('\n'));
    },
  );

  for (const { name, description, done } of CONTROLS) {
    server.registerTool(name, { description, inputSchema: { taskId } }, async ({ taskId: id }) => {
      const reply = await mailbox.send({ type: name, taskId: id });
      return answerOf(reply, (result) => `Task ${id} ${done}.${nextRunText(result)}`);
    });
  }
};
