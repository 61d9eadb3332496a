import { setTimeout } from 'node:timers/promises';
import type { ChatLine } from '../simulator.ts';
import { OpenWork } from './open-work.ts';
import type { World } from './world.ts';

/** How often the database is asked whether everything has come, in milliseconds. */
const LOOK_MS = 100;

/**
 * Says lines in the owner's own chat, each after the one before was settled, and prints what every chat shows.
 * @throws AbortError when `signal` says that it has taken too long; Error when turns ran and none succeeded
 */
export async function runScript(
  world: World,
  lines: readonly string[],
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { simulator } = world;
  const endings = [
    simulator.on('line', (line) => {
      if (line.byDevice) print(transcript(world, line));
    }),
    simulator.on('change', (change) => {
      if (change.byDevice) print(`(${world.happened(change)})`);
    }),
  ];
  const open = new OpenWork(world.root);
  try {
    await nothingLeft(open, signal);
    for (const text of lines) {
      print(`you> ${text}`);
      if ((await settled(world, text, open, signal)) === 'left alone') print('(left alone)');
    }
    await nothingLeft(open, signal);
    const failure = open.failure();
    if (failure !== undefined) throw new Error(`No turn succeeded: ${failure}`);
  } finally {
    open.close();
    for (const end of endings) end();
  }
}

/** Answered and delivered, or looked at by the host and left alone. */
async function settled(
  world: World,
  text: string,
  open: OpenWork,
  signal: AbortSignal,
): Promise<'answered' | 'left alone'> {
  const { simulator, host } = world;
  const alone = new Set<string>();
  const noteAlone = (id: string): void => void alone.add(id);
  host.on('leftAlone', noteAlone);
  try {
    const { id } = await simulator.say({ chat: simulator.selfChat, text });
    for (;;) {
      if (alone.has(id)) return 'left alone';
      // Tasks that are still to come are waited for at the end.
      if (open.isClosed(id) && open.undelivered() === 0) return 'answered';
      await setTimeout(LOOK_MS, undefined, { signal });
    }
  } finally {
    host.off('leftAlone', noteAlone);
  }
}

async function nothingLeft(open: OpenWork, signal: AbortSignal): Promise<void> {
  while (open.count() > 0) await setTimeout(LOOK_MS, undefined, { signal });
}

function transcript(world: World, line: ChatLine): string {
  const { name, text } = world.spoken(line);
  const chat = line.chat === world.simulator.selfChat ? '' : `[${world.chatOf(line.chat).name}] `;
  return `${chat}${name}> ${text}`;
}
