import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';

describe('a new owner', () => {
  it('is answered when the chat is addressed by its hidden identity as well', async () => {
    const house = await House.start();
    await house.simulator.say({ chat: house.simulator.selfChat, text: '@Andy ping', addressing: 'lid' });
    await house.answer(/pong/);
    expect(house.query('SELECT COUNT(*) AS chats FROM chats WHERE is_group = 0')).toEqual([{ chats: 1 }]);
  });
});

describe('a group', () => {
  it('gets a safe folder when its name is like a path, and its members cannot reach another chat', async () => {
    const house = await House.start();
    const { simulator } = house;
    const eve = simulator.addPerson({ name: 'Eve' });
    const evil = simulator.createGroup({ subject: '../../etc', members: [eve] });
    const other = simulator.createGroup({ subject: 'Other', members: [] });
    await house.say('@Andy activate ../../etc');
    await house.answer(/is active/);
    const folders = house.query<{ folder: string }>('SELECT folder FROM registered_groups WHERE is_main = 0');
    expect(folders[0]?.folder).toMatch(/^[a-z0-9][a-z0-9_-]*$/i);
    await simulator.say({ chat: evil.jid, as: eve, text: '@Andy say to Other: hi' });
    await house.answer(/./, evil.jid);
    expect(house.said(other.jid)).toEqual([]);
    await simulator.say({ chat: evil.jid, as: eve, text: '@Andy activate Other' });
    await house.answer(/./, evil.jid);
    expect(house.query("SELECT 1 FROM registered_groups WHERE name = 'Other'")).toEqual([]);
  });

  it('works at the same time as another one', async () => {
    const house = await House.start();
    const { simulator } = house;
    const jids: string[] = [];
    for (const subject of ['One', 'Two']) {
      const { jid } = simulator.createGroup({
        subject,
        members: [simulator.addPerson({ name: `Friend of ${subject}` })],
      });
      await house.say(`@Andy activate ${subject}`);
      await house.answer(new RegExp(`“${subject}” is active`));
      jids.push(jid);
    }
    const answers = Promise.all(jids.map((jid) => house.answer(/slept/, jid)));
    for (const jid of jids) await house.say('@Andy sleep 1', jid);
    await answers;
    // An answer is sent before its run has ended.
    await house.idle();
    const spans = house.query<{ started_at: string; ended_at: string }>(
      "SELECT started_at, ended_at FROM runs WHERE group_folder <> 'main' ORDER BY seq",
    );
    expect(spans).toHaveLength(2);
    // The second one began before the first one had ended.
    expect(Date.parse(spans[1]!.started_at)).toBeLessThan(Date.parse(spans[0]!.ended_at));
  });
});

describe('messages that trigger at the same moment', () => {
  it('are all answered, in order', async () => {
    const house = await House.start();
    const texts = ['one', 'two', 'three', 'four', 'five'];
    await Promise.all(texts.map((text) => house.say(`@Andy echo ${text}`)));
    await house.answer(/five/);
    expect(house.said()).toEqual(texts);
  });
});
