import { describe, expect, it, onTestFinished } from 'vitest';
import { Simulator } from '../../simulator/simulator.ts';
import { pathsAt } from '../../src/paths.ts';
import { openStore } from '../../src/store/store.ts';
import { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Far enough apart to spread over three messages' writes; different on each side, so that few points repeat. */
const LIVE_CUTS = Array.from({ length: 14 }, (_, n) => 1 + n * 6);
const BACKLOG_CUTS = Array.from({ length: 14 }, (_, n) => 3 + n * 9);

describe('a process that is killed between a message’s arrival and its commit', () => {
  it(`loses nothing and stores nothing twice, at ${LIVE_CUTS.length + BACKLOG_CUTS.length} points`, async () => {
    const root = temporaryDirectory();
    const server = await Simulator.start({ owner: { name: 'Ann' } });
    onTestFinished(() => server.close());
    const bea = server.addPerson({ name: 'Bea' });
    const group = server.createGroup({ subject: 'Family', members: [bea] });
    const chats = [bea.jid, group.jid, server.selfChat];
    registerAll(root, [bea.jid, group.jid]);
    const said = new Map<string, string[]>(chats.map((chat) => [chat, []]));
    const say = async (round: string): Promise<void> => {
      for (const chat of chats) {
        const text = `${round} in ${chat}`;
        said.get(chat)?.push(text);
        await server.say({ chat, text, ...(chat !== server.selfChat && { as: bea }) });
      }
    };
    const allStored = (): boolean =>
      chats.every((chat) => said.get(chat)?.every((text) => stored(root, chat).includes(text)));
    let killed = 0;

    await LineProcess.pair(root, server);
    for (const cut of LIVE_CUTS) {
      const line = new LineProcess(root, server);
      await line.open();
      await line.endAfter(cut);
      await say(`live ${cut}`);
      if (await line.diedBefore(allStored)) killed += 1;
      await line.kill();
    }
    for (const cut of BACKLOG_CUTS) {
      await say(`backlog ${cut}`);
      const line = new LineProcess(root, server, cut);
      if (await line.diedBefore(allStored)) killed += 1;
      await line.kill();
    }
    const line = new LineProcess(root, server);
    await line.open();
    await say('at last');
    await line.diedBefore(allStored);
    await line.kill();

    expect(killed).toBeGreaterThanOrEqual(20);
    for (const chat of chats) expect(stored(root, chat)).toEqual(said.get(chat));
    expect(server.problems).toEqual([]);
  }, 900_000);
});

function registerAll(root: string, chats: readonly string[]): void {
  const store = openStore(pathsAt(root).database);
  for (const [n, jid] of chats.entries()) {
    store.groups.add(
      {
        jid,
        name: `Chat ${n}`,
        folder: `chat-${n}`,
        trigger: '@Andy',
        requiresTrigger: true,
        isMain: false,
        containerConfig: {},
      },
      0,
    );
  }
  store.close();
}

function stored(root: string, chat: string): string[] {
  const store = openStore(pathsAt(root).database);
  try {
    return store.messages.ofTurn(chat, 0, { before: 0, from: 1_000 }).map(({ text }) => text);
  } finally {
    store.close();
  }
}
