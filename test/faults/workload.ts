import type { Random } from './random.ts';

/**
 * What goes in during a round. Every message, file and slot bears a word of its own (`M12x3`: the third message of round 12), by which
 * what comes out is told apart.
 */
export interface Workload {
  readonly messages: readonly SaidMessage[];
  /** Everything that lies in a mailbox sooner or later. */
  readonly files: readonly DroppedFile[];
}

interface Event {
  readonly token: string;
  /** The chat's, or its group's, place in the world. */
  readonly chat: number;
  /** When it goes in, in milliseconds from the round's begin. */
  readonly atMs: number;
}

export interface SaidMessage extends Event {
  /** What it asks the scripted agent for. */
  readonly text: string;
  /** Who says it: 0 the owner, then the people of the world. */
  readonly sender: number;
}

/**
 * - `message`: a text for the group's own chat
 * - `task`: a one-time task whose agent says the file's word; its slot is due `dueMs` after the round's begin
 * - `broken`: no JSON
 * - `file`: a file with the word under it, for the group's own chat
 * - `foreign`: a text for the main channel, which no group may write to; it asks for an answer
 */
export type FileKind = 'message' | 'file' | 'task' | 'broken' | 'foreign';

export interface DroppedFile extends Event {
  readonly kind: FileKind;
  /** `agent`: by the scripted agent, when and if it gets there. */
  readonly by: 'hand' | 'agent';
  readonly dueMs: number;
}

/** How much goes in. */
export interface Load {
  readonly messages: number;
  readonly filesByAgents: number;
  readonly filesByHand: number;
  readonly attachments: number;
  readonly tasks: number;
  readonly broken: number;
  readonly foreign: number;
  /** In how long, in milliseconds. */
  readonly withinMs: number;
}

/** 50 messages, 20 mailbox files and 5 tasks, the files of the tasks included. */
export const FULL_LOAD: Load = {
  messages: 50,
  filesByAgents: 8,
  filesByHand: 3,
  attachments: 2,
  tasks: 5,
  broken: 1,
  foreign: 1,
  withinMs: 1_200,
};

export const SMALL_LOAD: Load = {
  messages: 6,
  filesByAgents: 2,
  filesByHand: 1,
  attachments: 1,
  tasks: 2,
  broken: 1,
  foreign: 1,
  withinMs: 300,
};

/** How long an agent works at one message at most, in milliseconds. */
const MOST_WORK_MS = 60;
/** How long after its file was dropped a task may be due, in milliseconds. */
const MOST_WAIT_MS = 800;

/** @param world how many chats there are and how many may write in each */
export function planWorkload(
  round: number,
  load: Load,
  world: { readonly chats: number; readonly senders: number },
  random: Random,
): Workload {
  const tokens = { M: 0, F: 0 };
  const event = (kind: keyof typeof tokens): Event => {
    tokens[kind] += 1;
    return {
      token: `${kind}${round}x${tokens[kind]}`,
      chat: random.between(0, world.chats - 1),
      atMs: random.between(0, load.withinMs),
    };
  };
  const file = (kind: FileKind, by: DroppedFile['by']): DroppedFile => {
    const planned = event('F');
    return { ...planned, kind, by, dueMs: planned.atMs + random.between(0, MOST_WAIT_MS) };
  };
  const files = (count: number, kind: FileKind, by: DroppedFile['by']): DroppedFile[] =>
    Array.from({ length: count }, () => file(kind, by));
  const byAgents = files(load.filesByAgents, 'message', 'agent');
  const messages = Array.from({ length: load.messages }, (_, index): SaidMessage => {
    const said = event('M');
    // The first messages bring the files with them.
    const drop = byAgents[index] === undefined ? '' : ` drop ${byAgents[index].token}`;
    const text = `@Andy script ${said.token}${drop} for ${random.between(0, MOST_WORK_MS)}`;
    return { ...said, text, sender: random.between(0, world.senders - 1) };
  });
  return {
    messages,
    files: [
      ...byAgents.map((dropped, index) => ({ ...dropped, chat: messages[index]?.chat ?? 0 })),
      ...files(load.filesByHand, 'message', 'hand'),
      ...files(load.attachments, 'file', 'hand'),
      ...files(load.tasks, 'task', 'hand'),
      ...files(load.broken, 'broken', 'hand'),
      ...files(load.foreign, 'foreign', 'hand'),
    ],
  };
}

/** A word of a workload. */
export const TOKEN = /\b[MF]\d+x\d+\b/g;

export function tokensIn(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}
