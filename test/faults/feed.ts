import { setTimeout as wait } from 'node:timers/promises';
import type { DroppedFile, SaidMessage, Workload } from './workload.ts';
import type { Chat, World } from './world.ts';

/** Puts a workload into the world, each part at its time, whether or not a host is there to take it. */
export async function feed(world: World, { messages, files }: Workload): Promise<void> {
  const begin = performance.now();
  const began = Date.now();
  const acts = [
    ...messages.map((message) => ({ atMs: message.atMs, act: () => say(world, message) })),
    ...files
      .filter(({ by }) => by === 'hand')
      .map((file) => ({ atMs: file.atMs, act: () => drop(world, file, began + file.dueMs) })),
  ].sort((one, other) => one.atMs - other.atMs);
  for (const { atMs, act } of acts) {
    const early = begin + atMs - performance.now();
    if (early > 0) await wait(early);
    await act();
  }
}

function chatOf(world: World, { chat }: { readonly chat: number }): Chat {
  const found = world.chats[chat];
  if (found === undefined) throw new Error(`there is no chat ${chat}`);
  return found;
}

async function say({ simulator, chats, people }: World, message: SaidMessage): Promise<void> {
  const speaker = people[message.sender - 1];
  const jid = chats[message.chat]?.jid ?? '';
  await simulator.say({ chat: jid, text: message.text, ...(speaker !== undefined && { as: speaker }) });
}

async function drop(world: World, file: DroppedFile, dueAt: number): Promise<void> {
  const { jid, folder } = chatOf(world, file);
  if (file.kind === 'file') await world.attach(folder, `${file.token}.txt`, `file of ${file.token}`);
  const content = contentOf(file, { jid, mainJid: world.simulator.selfChat, dueAt });
  await world.drop(folder, file.kind === 'task' ? 'tasks' : 'messages', file.token, content);
}

/** @param dueAt when its task is due, in milliseconds since the epoch */
function contentOf(
  { kind, token }: DroppedFile,
  { jid, mainJid, dueAt }: { readonly jid: string; readonly mainJid: string; readonly dueAt: number },
): string {
  switch (kind) {
    case 'message':
      return JSON.stringify({ type: 'message', chatJid: jid, text: token });
    case 'file':
      return JSON.stringify({ type: 'file', chatJid: jid, file: `${token}.txt`, caption: token });
    case 'task':
      return JSON.stringify({
        type: 'schedule_task',
        prompt: `script ${token}`,
        schedule_type: 'once',
        schedule_value: new Date(dueAt).toISOString(),
        targetJid: jid,
        requestId: token,
      });
    case 'broken':
      return `{"type":"message","text":"${token}`;
    case 'foreign':
      return JSON.stringify({ type: 'message', chatJid: mainJid, text: token, requestId: token });
  }
}
