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

function change(sql: string): void {
  const database = new BetterSqlite3(rig.databaseFile);
  database.exec(sql);
  database.close();
}

function waiting(): number {
  const database = new BetterSqlite3(rig.databaseFile, { readonly: true });
  try {
    return database.prepare('SELECT COUNT(*) FROM stanzas').pluck().get() as number;
  } finally {
    database.close();
  }
}

/** Says something that the core does not take. */
async function sayInVain(text: string): Promise<void> {
  let refused = 0;
  rig.listener.rejects = () => {
    refused += 1;
    return true;
  };
  const { id } = await rig.server.say({ chat: rig.server.selfChat, text });
  await vi.waitFor(() => {
    expect(refused).toBe(1);
    expect(rig.server.receipts(id)).toHaveLength(1);
  });
}

/** A new process on the same files whose core commits everything, fails at it, or keeps it in memory. */
async function restart(core: 'takes' | 'fails' | 'holds' = 'takes'): Promise<void> {
  await rig.channel.stop();
  rig.make();
  rig.listener.rejects = () => core === 'fails';
  rig.listener.holds = core === 'holds';
  await rig.channel.start();
}

describe('a message that was receipted but not taken by the core', () => {
  it('arrives again at the next start, before the connection opens, and then no more', async () => {
    await sayInVain('once');
    await restart();
    expect(rig.listener.texts).toEqual(['once']);
    expect(rig.listener.lines.some(({ status }) => status === 'open')).toBe(false);
    await rig.listener.line('open');
    await restart();
    await rig.listener.line('open');
    expect(rig.listener.texts).toEqual([]);
    expect(waiting()).toBe(0);
  });

  it('does not arrive again when the core has taken it later in the same process', async () => {
    rig.listener.holds = true;
    await rig.server.say({ chat: rig.server.selfChat, text: 'wait' });
    await rig.listener.message('wait');
    expect(waiting()).toBe(1);
    rig.listener.held[0]?.();
    await vi.waitFor(() => expect(waiting()).toBe(0));
    await restart();
    await rig.listener.line('open');
    expect(rig.listener.texts).toEqual([]);
  });

  it('arrives before later messages', async () => {
    await sayInVain('first');
    await rig.channel.stop();
    await rig.server.say({ chat: rig.server.selfChat, text: 'second' });
    await restart();
    await rig.listener.message('second');
    expect(rig.listener.texts).toEqual(['first', 'second']);
  });

  it('is tried at three starts and then dropped with a warning', async () => {
    await sayInVain('poison');
    for (let n = 0; n < 3; n += 1) await restart('fails');
    await restart();
    expect(rig.listener.texts).toEqual([]);
    expect(rig.log).toContain('A message of an earlier process was dropped');
    expect(rig.log).not.toContain('poison');
  });

  it('still arrives after many starts at which the core could only keep it in memory', async () => {
    await sayInVain('patience');
    for (let n = 0; n < 4; n += 1) {
      await restart('holds');
      expect(rig.listener.texts).toEqual(['patience']);
    }
    await restart();
    expect(rig.listener.texts).toEqual(['patience']);
    expect(waiting()).toBe(0);
  });

  it('is dropped when its row is damaged, and delays no other', async () => {
    await sayInVain('damaged');
    await sayInVain('whole');
    change("UPDATE stanzas SET node = '{' WHERE seq = (SELECT MIN(seq) FROM stanzas)");
    await restart();
    expect(rig.listener.texts).toEqual(['whole']);
  });

  it('is deleted with an account that was unlinked', async () => {
    await sayInVain('old');
    const since = rig.listener.lines.length;
    await rig.server.faults.unlinkDevices();
    await rig.listener.line('stopped', since);
    expect(waiting()).toBe(0);
  });
});

describe('a message that cannot be written to the disk', () => {
  it('gets no receipt, ends the connection, and arrives once there is room again', async () => {
    change("CREATE TRIGGER full BEFORE INSERT ON stanzas BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    const since = rig.listener.lines.length;
    const { id } = await rig.server.say({ chat: rig.server.selfChat, text: 'patience' });
    expect(await rig.listener.line('connecting', since)).toMatchObject({
      reason: expect.stringContaining('could not be written to store/whatsapp.db: disk full'),
    });
    expect(rig.listener.texts).toEqual([]);
    expect(rig.server.receipts(id)).toEqual([]);
    change('DROP TRIGGER full');
    await rig.listener.message('patience');
  });
});

describe('a message that the core has taken', () => {
  it('leaves none of its text in the database of the credentials', async () => {
    await rig.server.say({ chat: rig.server.selfChat, text: 'a private matter' });
    await rig.listener.message('a private matter');
    await rig.channel.stop();
    const database = new BetterSqlite3(rig.databaseFile, { readonly: true });
    const held = database.prepare("SELECT message FROM plaintexts WHERE instr(value, 'private') > 0").all();
    database.close();
    expect(held).toEqual([]);
    expect(waiting()).toBe(0);
  });
});
