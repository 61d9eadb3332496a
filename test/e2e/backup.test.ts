import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';
import { nanoclaw } from '../support/nanoclaw.ts';
import { sharedDirectory } from '../support/sandbox.ts';

/** Of the messages in a chat that is never still, so many to one that calls: three seconds' worth. */
const NOTES_A_CALL = 60;

describe('a backup that is taken while the host is at work', () => {
  it('restores in a new root, which repeats nothing old, keeps the account and is read by every phone', {
    timeout: 120_000,
  }, async () => {
    const root = sharedDirectory();
    const house = await House.start();
    const { simulator } = house;
    const bea = simulator.addPerson({ name: 'Bea' });
    const family = simulator.createGroup({ subject: 'Family', members: [bea] }).jid;
    const busy = simulator.createGroup({ subject: 'Work', members: [bea] }).jid;
    for (const subject of ['Family', 'Work']) await house.say(`@Andy activate ${subject}`);
    await house.say('@Andy remember the backup');
    await house.say('@Andy remind me in 10 seconds of the old reminder');
    for (const subject of ['Family', 'Work']) await house.answer(new RegExp(`“${subject}” is active`));
    await house.answer(/I will remember: the backup/);
    await house.answer(/I will remind you/);

    const file = join(house.root, 'backup.tar.gz');
    const runsUnderWay = () => house.query("SELECT 1 FROM runs WHERE status = 'running'").length;
    // Turns under way in two chats, calls behind them, and a third that is never still.
    const backUpAtWork = async (): Promise<string> => {
      for (const chat of [family, simulator.selfChat]) await house.say('@Andy sleep 10', chat);
      await vi.waitUntil(() => runsUnderWay() > 1);
      for (const chat of [family, simulator.selfChat]) await house.say('@Andy echo old and waiting', chat);
      let isTaken = false;
      const backup = nanoclaw(house.root, 'backup', file).finally(() => {
        isTaken = true;
      });
      // No more answers than the host's pace lets leave: the others' would wait behind them for as long as the backup took.
      for (let n = 0; !isTaken; n++) {
        await house.say(n % NOTES_A_CALL === 0 ? `@Andy echo busy ${n}` : `note ${n}`, busy);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return backup;
    };
    let report = await backUpAtWork();
    // On a busy machine the turns may be over before the backup reads the database: once more then.
    while (runsUnderWay() < 2) {
      await house.idle();
      rmSync(file);
      report = await backUpAtWork();
    }
    expect(report).toMatch(/and the WhatsApp account with its keys/);

    // The host goes on, and so do the keys of both sides.
    for (const chat of [family, simulator.selfChat]) await house.answer(/old and waiting/, chat);
    await simulator.say({ chat: family, text: '@Andy echo for Bea', as: bea });
    await house.answer(/for Bea/, family);
    await house.answer(/the old reminder/);
    await house.idle();
    await house.end('SIGKILL');

    const words = await nanoclaw(root, 'restore', file);
    expect(words).toMatch(/The WhatsApp account \+\d+ is the backup's/);
    expect(words).toMatch(/chats that waited for an answer: [1-9]\n {2}turns under way: [1-9]\n/);
    const { pairings } = house;
    const before = new Map([family, busy, simulator.selfChat].map((chat) => [chat, house.said(chat).length]));
    const problems = simulator.problems.length;
    const newWords = (chat: string): readonly string[] => house.said(chat).slice(before.get(chat));
    await house.moveTo(root);
    expect(house.pairings).toBe(pairings);

    await simulator.say({ chat: family, text: '@Andy echo new from Bea', as: bea });
    await house.say('@Andy echo new from Ann');
    await house.answer(/new from Bea/, family);
    await house.answer(/new from Ann/);
    await simulator.say({ chat: family, text: '@Andy echo again', as: bea });
    await house.answer(/again/, family);
    await house.idle();
    expect(newWords(family)).toEqual(['new from Bea', 'again']);
    expect(newWords(simulator.selfChat)).toEqual(['new from Ann']);
    expect(newWords(busy)).toEqual([]);
    // What phones sent by sessions that are no more was asked for again; what the host sent was read at once.
    const found = simulator.problems.slice(problems).map(({ kind }) => kind);
    expect(found.filter((kind) => kind !== 'retry asked')).toEqual([]);
    expect(found.length).toBeLessThan(5);
    // A phone has a message before its sender has read the server's ack.
    const open = "SELECT chat_jid, status FROM outbox WHERE status NOT IN ('sent', 'failed', 'unknown')";
    await vi.waitFor(() => expect(house.query(open)).toEqual([]));
  });
});
