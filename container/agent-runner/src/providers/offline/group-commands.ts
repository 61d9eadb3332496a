import { createHash } from 'node:crypto';
import type { GroupsSnapshot } from '../../../../../src/protocol/host-files.ts';
import { RESERVED_FOLDERS } from '../../../../../src/protocol/layout.ts';
import { comparable } from '../../../../../src/protocol/trigger.ts';
import { readGroups } from '../../tools/snapshots.ts';
import type { Command, Conversation } from './command.ts';
import { wordReply } from './host-reply.ts';

type AvailableGroup = GroupsSnapshot['groups'][number];

const MAX_FOLDER_LENGTH = 48;
const TAKEN: ReadonlySet<string> = new Set([...RESERVED_FOLDERS, 'main']);

function suffixOf(jid: string): string {
  return createHash('sha256').update(jid).digest('hex').slice(0, 6);
}

/**
 * A folder's name made from a group's: lower-case ASCII.
 * @param unique adds a mark of the group's own, for a name that is taken or has no such letters
 */
export function folderFor(group: Pick<AvailableGroup, 'name' | 'jid'>, unique = false): string {
  const slug = group.name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_FOLDER_LENGTH)
    .replace(/-+$/, '');
  if (slug === '') return `group-${suffixOf(group.jid)}`;
  return unique || TAKEN.has(slug) ? `${slug}-${suffixOf(group.jid)}` : slug;
}

/** Groups that a name may mean: those called exactly so, else those that begin so. */
export function groupsNamed<G extends Pick<AvailableGroup, 'name'>>(groups: readonly G[], name: string): G[] {
  const wanted = comparable(name);
  const exact = groups.filter((group) => comparable(group.name) === wanted);
  return exact.length > 0 ? exact : groups.filter((group) => comparable(group.name).startsWith(wanted));
}

/** Looks a group up, and once more after the host has asked the chat platform for its groups. */
async function findGroups(name: string, { turn, mailbox }: Conversation): Promise<AvailableGroup[]> {
  const known = groupsNamed((await readGroups(turn.layout)) ?? [], name);
  if (known.length > 0 || !turn.input.isMain) return known;
  await mailbox.send({ type: 'refresh_groups' });
  return groupsNamed((await readGroups(turn.layout)) ?? [], name);
}

function unknownGroup(name: string): string {
  return `I know no group called “${name}”. Say "groups" to see those that I know.`;
}

function ambiguousGroup(found: readonly AvailableGroup[]): string {
  return `Which one? ${found.map((group) => `“${group.name}”`).join(', ')}`;
}

const list: Command = {
  pattern: /^(?:list |show )?groups[.!?]*$/i,
  help: 'groups (main chat)',
  answer: async (_, { turn, assistantName }) => {
    if (!turn.input.isMain) return 'Only the main chat can see the groups.';
    const groups = await readGroups(turn.layout);
    if (groups === undefined) return 'I cannot see the list of groups.';
    if (groups.length === 0) return 'I know no groups yet.';
    const lines = groups.map(
      (group) => `• ${group.name || group.jid}${group.isRegistered ? ' (active)' : ''}`,
    );
    const hint = groups.some((group) => !group.isRegistered)
      ? `\n\nSay "@${assistantName} activate NAME" to add me to one.`
      : '';
    return `${lines.join('\n')}${hint}`;
  },
};

const activate: Command = {
  pattern: /^activate\s+(?:the\s+)?(?:group\s+)?["“']?(.+?)["”']?[.!]*$/i,
  help: 'activate GROUP (main chat)',
  answer: async ([, name = ''], conversation) => {
    const { turn, mailbox, assistantName } = conversation;
    if (!turn.input.isMain) return 'Groups are activated from the main chat.';
    const found = await findGroups(name, conversation);
    const group = found[0];
    if (group === undefined) return unknownGroup(name);
    if (found.length > 1) return ambiguousGroup(found);
    if (group.isRegistered) return `“${group.name}” is already active. Call me there with @${assistantName}.`;
    const register = (folder: string) =>
      mailbox.send({
        type: 'register_group',
        jid: group.jid,
        name: group.name,
        folder,
        trigger: `@${assistantName}`,
      });
    let reply = await register(folderFor(group));
    // Another group's folder may have that name.
    if (reply.kind === 'answered' && !reply.result.ok && /folder/i.test(reply.result.error)) {
      reply = await register(folderFor(group, true));
    }
    return wordReply(reply, () => `“${group.name}” is active. Call me there with @${assistantName}.`);
  },
};

const say: Command = {
  pattern: /^say\s+to\s+["“']?([^:\n]+?)["”']?\s*:\s*(.+)$/is,
  help: 'say to GROUP: TEXT (main chat)',
  answer: async ([, name = '', text = ''], conversation) => {
    const { turn, mailbox } = conversation;
    const found = await findGroups(name, conversation);
    if (found.length > 1) return ambiguousGroup(found);
    const group = found[0];
    if (group === undefined && turn.input.isMain && !name.includes('@')) return unknownGroup(name);
    // Elsewhere than in the main chat no names are known, and the host decides who may say what to whom.
    const reply = await mailbox.send({ type: 'message', chatJid: group?.jid ?? name, text });
    return wordReply(reply, () => `Said to “${group?.name ?? name}”.`);
  },
};

/** Other chats than this one. */
export const GROUP_COMMANDS: readonly Command[] = [list, activate, say];
