import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  await rig.pair();
});

afterEach(async () => {
  await rig.close();
});

/** What the journal holds of a message: stanzas that the core does not have, and texts that are kept for it. */
function journal(id: string): { stanzas: number; texts: number } {
  const database = new BetterSqlite3(rig.databaseFile, { readonly: true });
  try {
    const count = (sql: string) => database.prepare(sql).pluck().get(`%${id}%`) as number;
    return {
      stanzas: count('SELECT COUNT(*) FROM stanzas WHERE message LIKE ?'),
      texts: count('SELECT COUNT(*) FROM plaintexts WHERE message LIKE ? AND value IS NOT NULL'),
    };
  } finally {
    database.close();
  }
}

const asked = () => rig.server.problems.filter(({ kind }) => kind === 'retry asked').length;

describe('a message that cannot be decrypted and is requested again', () => {
  it.each(['direct', 'lid', 'pn'] as const)(
    'arrives once, and leaves nothing in the journal (%s)',
    async (where) => {
      const { listener, server } = rig;
      const peter = server.addPerson({ name: 'Peter' });
      const chat =
        where === 'direct'
          ? peter.jid
          : server.createGroup({ subject: 'Family', members: [peter], addressing: where }).jid;
      server.faults.garbleMessages();
      const { id } = await server.say({ chat, as: peter, text: 'once more' });
      expect(await listener.message('once more')).toMatchObject({ id, chatJid: chat, senderJid: peter.jid });
      expect(asked()).toBe(1);
      await server.say({ chat, as: peter, text: 'and on' });
      await listener.message('and on');
      expect(listener.texts).toEqual(['once more', 'and on']);
      await vi.waitFor(() => expect(journal(id)).toEqual({ stanzas: 0, texts: 0 }));
      await vi.waitFor(() => expect(server.devices()).toMatchObject([{ waiting: 0 }]));
    },
  );

  it('is kept by the journal when the core does not take it, and arrives once at the next start', async () => {
    const { server } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    let refused = 0;
    rig.listener.rejects = () => {
      refused += 1;
      return true;
    };
    server.faults.garbleMessages();
    const { id } = await server.say({ chat: peter.jid, as: peter, text: 'once more' });
    await vi.waitFor(() => expect(refused).toBe(1));
    await vi.waitFor(() => expect(server.devices()).toMatchObject([{ waiting: 0 }]));
    expect(journal(id)).toEqual({ stanzas: 1, texts: 1 });
    await rig.restart();
    await rig.listener.line('open');
    expect(rig.listener.texts).toEqual(['once more']);
    await rig.restart();
    await rig.listener.line('open');
    expect(rig.listener.texts).toEqual([]);
    expect(journal(id)).toEqual({ stanzas: 0, texts: 0 });
  });
});
