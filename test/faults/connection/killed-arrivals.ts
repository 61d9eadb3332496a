import { expect, onTestFinished } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { pathsAt } from '../../../src/paths.ts';
import { openStore } from '../../../src/store/store.ts';
import { ConnectionProcess } from '../../support/connection-process.ts';
import { linkRoot } from '../../support/linked-root.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { FAMILY, MAIN } from '../../support/test-store.ts';

/** At which kill points (crashing-connection.ts) processes end. */
export interface Cuts {
  /** Counted from right before three messages are said to a connected process. */
  readonly live: readonly number[];
  /** Counted from the start of a process that three messages wait for. */
  readonly backlog: readonly number[];
}

/**
 * Kills processes while a direct message, one in a group and one in the owner's own chat arrive, and expects all of them
 * in the database, once and in their order.
 * @returns how many processes were killed before their messages were stored
 */
export async function killDuringArrivals({ live, backlog }: Cuts): Promise<number> {
  const root = temporaryDirectory();
  const server = await Simulator.start({ owner: { name: 'Ann' } });
  onTestFinished(() => server.close());
  const bea = server.addPerson({ name: 'Bea' });
  const group = server.createGroup({ subject: 'Family', members: [bea] });
  const chats = [bea.jid, group.jid, server.selfChat];
  registerAll(root, server, chats);
  const said = new Map<string, string[]>(chats.map((chat) => [chat, []]));
  const say = async (round: string): Promise<void> => {
    for (const chat of chats) {
      const text = `${round} in ${chat}`;
      said.get(chat)?.push(text);
      await server.say({ chat, text, ...(chat !== server.selfChat && { as: bea }) });
    }
  };
  const allStored = (): boolean => {
    const texts = new Set([...storedIn(root, chats).values()].flat());
    return [...said.values()].flat().every((text) => texts.has(text));
  };
  let killed = 0;

  await linkRoot(server, root);
  for (const cut of live) {
    const connection = new ConnectionProcess(root, server);
    await connection.open();
    await connection.endAfter(cut);
    await say(`live ${cut}`);
    if (await connection.diedBefore(allStored)) killed += 1;
    await connection.kill();
  }
  for (const cut of backlog) {
    await say(`backlog ${cut}`);
    const connection = new ConnectionProcess(root, server, cut);
    if (await connection.diedBefore(allStored)) killed += 1;
    await connection.kill();
  }
  const connection = new ConnectionProcess(root, server);
  await connection.open();
  await say('at last');
  await connection.diedBefore(allStored);
  await connection.kill();

  expect(storedIn(root, chats)).toEqual(said);
  expect(server.problems).toEqual([]);
  return killed;
}

/** A message that comes to an unregistered chat is not kept, not even in the owner's own before the first connection. */
function registerAll(root: string, server: Simulator, chats: readonly string[]): void {
  const store = openStore(pathsAt(root).database);
  for (const [n, jid] of chats.entries()) {
    const isMain = jid === server.selfChat;
    store.groups.add({ ...(isMain ? MAIN : FAMILY), jid, ...(!isMain && { folder: `chat-${n}` }) }, 0);
  }
  store.close();
}

/** The texts of each chat, in their order. */
function storedIn(root: string, chats: readonly string[]): Map<string, string[]> {
  const store = openStore(pathsAt(root).database);
  try {
    const textsOf = (chat: string): string[] =>
      store.messages.ofTurn(chat, 0, { before: 0, from: 1_000 }).map(({ text }) => text);
    return new Map(chats.map((chat) => [chat, textsOf(chat)]));
  } finally {
    store.close();
  }
}
