import * as z from 'zod';
import type { GroupsSnapshot } from '../../../../../src/protocol/host-files.ts';
import { ContainerConfig, type TaskFile } from '../../../../../src/protocol/mailbox.ts';
import { readGroups } from '../snapshots.ts';
import { answerOf, failed, said } from './answer.ts';
import type { ToolFamily } from './tool-context.ts';

type ListedGroup = GroupsSnapshot['groups'][number];

const jid = z.string().min(1).max(256).describe('the group’s jid, as list_groups gives it');

function inWords({ name, jid: id, isRegistered, members, memberNames }: ListedGroup): string {
  const count = members === undefined ? '' : ` · ${members} members`;
  const names = memberNames === undefined ? '' : `: ${memberNames.join(', ')}`;
  const others = (members ?? 0) - (memberNames ?? []).length;
  const more = memberNames !== undefined && others > 0 ? ` and ${others} more` : '';
  return `- ${name} · ${id}${isRegistered ? ' · active' : ''}${count}${names}${more}`;
}

/** Activating and leaving groups. The host grants these to the main channel alone; others are not even shown them. */
export const groupTools: ToolFamily = (server, { mailbox, layout, assistantName }) => {
  server.registerTool(
    'list_groups',
    {
      description:
        'All groups that this WhatsApp account is in, with their jids, how many people are in each, whether you are active there, and if so who is in it. Call refresh_groups first if one is missing.',
    },
    async () => {
      const groups = await readGroups(layout);
      if (groups === undefined)
        return failed('The list of groups cannot be read: the host has written none.');
      if (groups.length === 0) return said('No groups are known. refresh_groups may find some.');
      return said(groups.map(inWords).join('\n'));
    },
  );

  server.registerTool(
    'register_group',
    {
      description:
        'Become active in a group: from then on you can be called there, with a memory and a folder of its own. For a chat that is active, with the folder that it has: change how it works.',
      inputSchema: {
        jid,
        name: z.string().min(1).max(256).describe('what the group is called'),
        folder: z
          .string()
          .min(1)
          .max(64)
          .describe(
            'a new folder’s name: lower-case letters, digits and hyphens, like "family-chat"; of an active chat, the one that it has',
          ),
        trigger: z
          .string()
          .min(1)
          .max(64)
          .optional()
          .describe(`how you are called; absent: @${assistantName}, or for an active chat as it is`),
        requiresTrigger: z
          .boolean()
          .optional()
          .describe('false: every message there calls you; absent for an active chat: as it is'),
        containerConfig: ContainerConfig.optional().describe(
          'another agent or model, a longer time-out, whether replies to you trigger you, or more directories to read, of which the host allows only those on its allowlist; given for an active chat, it takes the place of all that was set before. Directories to write and the network are granted by the owner only, with a command that the answer names',
        ),
      },
    },
    async ({ jid: id, name, folder, trigger, requiresTrigger, containerConfig }) => {
      const file: TaskFile = {
        type: 'register_group',
        jid: id,
        name,
        folder,
        ...(trigger === undefined ? {} : { trigger }),
        ...(requiresTrigger === undefined ? {} : { requiresTrigger }),
        ...(containerConfig === undefined ? {} : { containerConfig }),
      };
      return answerOf(
        await mailbox.send(file),
        ({ folder: granted = folder, held = [], hint }) =>
          `“${name}” is active. Its folder is ${granted}.${
            hint === undefined
              ? ''
              : ` Not granted: ${held.join(', ')}. Only the owner can grant it, on the computer that runs the assistant: ${hint}`
          }`,
      );
    },
  );

  server.registerTool(
    'unregister_group',
    {
      description: 'Stop being active in a group. Its folder and memory stay.',
      inputSchema: { jid },
    },
    async ({ jid: id }) =>
      answerOf(
        await mailbox.send({ type: 'unregister_group', jid: id }),
        () => 'You are not active there any more.',
      ),
  );

  server.registerTool(
    'refresh_groups',
    { description: 'Ask WhatsApp for the groups anew; then list_groups shows them.' },
    async () =>
      answerOf(await mailbox.send({ type: 'refresh_groups' }), () => 'The list of groups is fresh.'),
  );
};
