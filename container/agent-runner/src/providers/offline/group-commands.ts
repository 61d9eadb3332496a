import { createHash } from 'node:crypto';
import type { GroupsSnapshot } from '../../../../../src/protocol/host-files.ts';
import { RESERVED_FOLDERS } from '../../../../../src/protocol/layout.ts';
import { asSeen, comparable } from '../../../../../src/protocol/trigger.ts';
import { readGroups } from '../../tools/snapshots.ts';
import type { Command, Conversation } from './command.ts';
import { wordReply } from './host-reply.ts';
import { describeInstant } from './local-time.ts';

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

const seen = (name: string): string => asSeen(name).replace(/\s+/g, ' ');
const foldCase = (name: string): string => comparable(name).replace(/\s+/g, ' ');

/**
 * Groups that words may mean: the one with that id; else those called exactly so; else those that begin so. The words
 * count as they are written before what may only surround the name is taken off.
 */
export function groupsNamed<G extends Pick<AvailableGroup, 'name' | 'jid'>>(
  groups: readonly G[],
  written: string,
): G[] {
  const names = namesIn(written)
    .map(seen)
    .filter((name) => name !== '');
  const found = [
    ...names.flatMap((name) => [
      groups.filter(({ jid }) => jid === name.toLowerCase()),
      groups.filter((group) => seen(group.name) === name),
      groups.filter((group) => foldCase(group.name) === foldCase(name)),
    ]),
    ...names.map((name) => groups.filter((group) => foldCase(group.name).startsWith(foldCase(name)))),
  ];
  return found.find((some) => some.length > 0) ?? [];
}

/** `the group "Team 7".` as it is written, then without the dot, the quotes and the words before the name. */
function namesIn(written: string): readonly string[] {
  const forms = [written];
  for (const part of [
    /[.!?]+$/,
    /,?\s+(?:please|pls|thanks|thank you|thx|for me)$/i,
    /\s+(?:group|chat)$/i,
    /^(?:the\s+)?(?:group|chat)\s+/i,
    /^the\s+/i,
    /^["'“”‘’„«]+|["'“”‘’»]+$/g,
    /[.!?]+$/,
  ])
    forms.push(...forms.map((form) => form.trim().replace(part, '')));
  return [...new Set(forms)];
}

/** Looks a group up, and once more after the host has asked the chat platform for its groups. */
async function findGroups(name: string, { turn, mailbox }: Conversation): Promise<AvailableGroup[]> {
  const known = groupsNamed((await readGroups(turn.layout)) ?? [], name);
  if (known.length > 0 || !turn.input.isMain) return known;
  await mailbox.send({ type: 'refresh_groups' });
  return groupsNamed((await readGroups(turn.layout)) ?? [], name);
}

function unknownGroup(name: string): string {
  const shown = name.trim().replace(/^["'“”‘’„«]+|["'“”‘’».!?]+$/g, '');
  return `I know no group called “${shown}”. Say "groups" to see those that I know.`;
}

function ambiguousGroup(found: readonly AvailableGroup[], verb: string, { timezone }: Conversation): string {
  const names = found.map((group) => group.name);
  if (new Set(names.map(comparable)).size === names.length)
    return `Which one? ${names.map((name) => `“${name}”`).join(', ')}`;
  const lines = found.map((group) => `• ${group.name}: ${particulars(group, timezone)}`);
  return `Which one? Say "${verb}" and what ends in @g.us.\n${lines.join('\n')}`;
}

/** What tells a group from others of its name. */
function particulars(group: AvailableGroup, timezone: string): string {
  const last = Date.parse(group.lastActivity);
  const parts = [
    group.isRegistered ? 'active' : undefined,
    group.members === undefined
      ? undefined
      : `${group.members} ${group.members === 1 ? 'member' : 'members'}`,
    Number.isNaN(last) ? undefined : `last message ${describeInstant(new Date(last), timezone)}`,
    group.jid,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}

const list: Command = {
  pattern: /^(?:list |show )?groups[.!?]*$/i,
  help: 'groups (main chat)',
  answer: async (_, { turn, assistantName, timezone }) => {
    if (!turn.input.isMain) return 'Only the main chat can see the groups.';
    const groups = await readGroups(turn.layout);
    if (groups === undefined) return 'I cannot see the list of groups.';
    if (groups.length === 0) return 'I know no groups yet.';
    const isShared = ({ name }: AvailableGroup): boolean =>
      groups.filter((other) => comparable(other.name) === comparable(name)).length > 1;
    const lines = groups.map((group) =>
      isShared(group)
        ? `• ${group.name}: ${particulars(group, timezone)}`
        : `• ${group.name || group.jid}${group.isRegistered ? ' (active)' : ''}`,
    );
    const hint = groups.some((group) => !group.isRegistered)
      ? `\n\nSay "@${assistantName} activate NAME" to add me to one.`
      : '';
    return `${lines.join('\n')}${hint}`;
  },
};

const activate: Command = {
  pattern: /^(?:activate|add yourself to|join)\s+(.+)$/i,
  help: 'activate GROUP (main chat)',
  answer: async ([, name = ''], conversation) => {
    const { turn, mailbox, assistantName } = conversation;
    if (!turn.input.isMain) return 'Groups are activated from the main chat.';
    const found = await findGroups(name, conversation);
    const group = found[0];
    if (group === undefined) return unknownGroup(name);
    if (found.length > 1) return ambiguousGroup(found, 'activate', conversation);
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
  pattern: /^say\s+to\s+([^\n]+?:.+)$/is,
  help: 'say to GROUP: TEXT (main chat)',
  answer: async ([, said = ''], conversation) => {
    const { turn, mailbox } = conversation;
    const [name, text] = await nameAndText(said, conversation);
    if (text === '') return 'Say what? For example: say to Family: dinner at seven.';
    const found = await findGroups(name, conversation);
    if (found.length > 1) return ambiguousGroup(found, 'say to', conversation);
    const group = found[0];
    if (group === undefined && turn.input.isMain && !name.includes('@')) return unknownGroup(name);
    // Elsewhere than in the main chat no names are known, and the host decides who may say what to whom.
    const reply = await mailbox.send({ type: 'message', chatJid: group?.jid ?? name, text });
    return wordReply(reply, () => `Said to “${group?.name ?? name}”.`);
  },
};

/** Where the name ends: a name may hold a colon itself. */
async function nameAndText(said: string, { turn }: Conversation): Promise<readonly [string, string]> {
  const groups = (await readGroups(turn.layout)) ?? [];
  const splits = [...said.matchAll(/:/g)]
    .map(({ index }) => [said.slice(0, index).trim(), said.slice(index + 1).trim()] as const)
    .filter(([name, text]) => name !== '' && text !== '' && !name.includes('\n'));
  const isName = ([name]: readonly [string, string]): boolean =>
    groupsNamed(groups, name).some((group) =>
      namesIn(name).some((form) => foldCase(form) === foldCase(group.name)),
    );
  return splits.findLast(isName) ?? splits[0] ?? [said, ''];
}

/** Other chats than this one. */
export const GROUP_COMMANDS: readonly Command[] = [list, activate, say];
