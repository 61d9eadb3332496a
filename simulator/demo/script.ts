import { once } from 'node:events';
import type { ChatLine } from '../simulator.ts';
import { OpenWork } from './open-work.ts';
import type { World } from './world.ts';

/** How often the database is asked whether everything has come, in milliseconds. */
const LOOK_MS = 100;

/** Says lines in the owner's own chat, each after the one before was settled, and prints what every chat shows. */
export async function runScript(
  world: World,
  lines: readonly string[],
  print: (line: string) => void,
): Promise<void> {
  const { simulator } = world;
  const unsubscribe = simulator.on('line', (line) => {
    if (line.byDevice) print(transcript(world, line));
  });
  const open = new OpenWork(world.root);
  try {
    await nothingLeft(open);
    for (const text of lines) {
      print(`you> ${text}`);
      if ((await settled(world, text, open)) === 'left alone') print('(left alone)');
    }
    await nothingLeft(open);
  } finally {
    open.close();
    unsubscribe();
  }
}

/** Answered and delivered, or looked at by the host and left alone. */
async function settled(world: World, text: string, open: OpenWork): Promise<'answered' | 'left alone'> {
  const { simulator, host } = world;
  const over = new AbortController();
  const { signal } = over;
  const alone = new Set<string>();
  let heardOf: () => void = () => undefined;
  const noteAlone = (id: string): void => {
    alone.add(id);
    heardOf();
  };
  host.on('leftAlone', noteAlone);
  try {
    const turn = once(host, 'turnEnded', { signal }).then(() => 'answered' as const);
    turn.catch(() => undefined);
    const line = await simulator.say({ chat: simulator.selfChat, text });
    const leftAlone = new Promise<'left alone'>((resolve) => {
      heardOf = () => alone.has(line.id) && resolve('left alone');
      heardOf();
    });
    const outcome = await Promise.race([turn, leftAlone]);
    if (outcome === 'answered') await delivered(open);
    return outcome;
  } finally {
    host.off('leftAlone', noteAlone);
    over.abort();
  }
}

/** What the turn wanted to say has left; tasks that are still to come are waited for at the end. */
async function delivered(open: OpenWork): Promise<void> {
  while (open.undelivered() > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

async function nothingLeft(open: OpenWork): Promise<void> {
  while (open.count() > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

function transcript(world: World, line: ChatLine): string {
  const { name, text } = world.spoken(line);
  const chat = line.chat === world.simulator.selfChat ? '' : `[${world.chatOf(line.chat).name}] `;
  return `${chat}${name}> ${text}`;
}
