import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Person } from '../../simulator/accounts/person.ts';
import { PlainClient } from '../../simulator/client/plain-client.ts';
import { AS_BEFORE } from '../../simulator/client/rig.ts';
import { newWireId } from '../../src/channel/whatsapp/wire-id.ts';
import { House } from '../support/house.ts';
import { sharedDirectory } from '../support/sandbox.ts';

/** A house whose owner may say who may call, with an active group. */
async function family(...names: string[]) {
  const home = sharedDirectory();
  const config = join(home, '.config', 'nanoclaw');
  mkdirSync(config, { recursive: true });
  const house = await House.start({ HOME: home });
  const people = names.map((name) => house.simulator.addPerson({ name }));
  const { jid } = house.simulator.createGroup({ subject: 'Family', members: people });
  await house.say('@Andy activate Family');
  await house.answer(/“Family” is active/);
  return {
    house,
    people,
    jid,
    allow: (rules: object | string) =>
      writeFileSync(
        join(config, 'sender-allowlist.json'),
        typeof rules === 'string' ? rules : JSON.stringify(rules),
      ),
    texts: () =>
      house.query<{ content: string }>('SELECT content FROM messages').map(({ content }) => content),
    say: (as: Person | undefined, text: string) =>
      house.simulator.say({ chat: jid, text, ...(as && { as }) }),
  };
}

function one<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('nobody is there');
  return item;
}

describe('the owner’s list of allowed senders', () => {
  it('decides who may trigger: others are read or dropped, and a broken list leaves only the owner', async () => {
    const { house, people, jid, allow, texts, say } = await family('Ben', 'Eve');
    const [ben, eve] = people as [Person, Person];
    const number = `+${ben.jid.split('@')[0]}`;
    allow({ default: { allow: [number], mode: 'trigger' } });
    await house.logged(/Who may call the assistant: everybody/);
    await say(eve, '@Andy echo from Eve');
    await house.logged(/No turn: its sender is not allowed/);
    await say(ben, '@Andy echo from Ben');
    await house.answer(/from Ben/, jid);
    expect(texts()).toContain('@Andy echo from Eve');

    allow({ default: { allow: [number], mode: 'drop' } });
    await say(eve, '@Andy echo xyzzy');
    await house.logged(/No turn: its sender is not allowed, and nothing of it is stored/);
    expect(texts().join()).not.toContain('xyzzy');

    allow('{');
    await say(ben, '@Andy echo once more');
    await house.answer(/Only you can call me for now/);
    await say(undefined, '@Andy echo the owner');
    await house.answer(/the owner/, jid);
    expect(house.said(jid)).toEqual(['from Ben', 'the owner']);
  });
});

describe('another instance of the assistant on the same account', () => {
  it('is read and never answered, even where every message triggers', async () => {
    const { house, jid, say, texts } = await family('Ben');
    house.change("UPDATE registered_groups SET requires_trigger = 0 WHERE folder <> 'main'");
    await say(undefined, 'Andy: echo I am another one');
    await house.logged(/No turn: the assistant wrote it, on another machine/);
    await say(undefined, 'echo and I am a person');
    await house.answer(/and I am a person/, jid);
    expect(house.said(jid)).toEqual(['and I am a person']);
    expect(texts()).toContain('Andy: echo I am another one');
  });
});

describe('assistants on two accounts in a group where every message triggers', () => {
  /** What is said in the group by Peter's linked device, and never by Peter himself. */
  async function twoAccounts() {
    const found = await family('Peter');
    const { house, people } = found;
    // Peter's client is Baileys by itself: it cannot be linked otherwise, and in groups that go by LID it encrypts for its
    // own device too.
    house.simulator.changeRules(AS_BEFORE);
    const peter = new PlainClient(house.simulator.url);
    onTestFinished(() => peter.end());
    const qr = await peter.showQr();
    const closed = peter.closed();
    await house.simulator.scanQr(qr, { as: one(people) });
    await closed;
    await peter.open();
    house.change("UPDATE registered_groups SET requires_trigger = 0 WHERE folder <> 'main'");
    return { ...found, peter };
  }

  it('do not answer each other when they are instances of this one', async () => {
    const { house, jid, peter, texts } = await twoAccounts();
    await peter.socket.sendMessage(jid, { text: 'echo marked' }, { messageId: newWireId(randomBytes) });
    await house.logged(/No turn: another assistant wrote it/);
    await peter.socket.sendMessage(jid, { text: 'echo unmarked' });
    await house.answer(/^Andy: unmarked/, jid);
    expect(house.said(jid).filter((text) => !text.startsWith('echo'))).toEqual(['unmarked']);
    expect(texts()).toContain('echo marked');
  });

  it('are muted by the loop guard when the other one answers every answer at once', async () => {
    const { house, jid, peter } = await twoAccounts();
    let count = 0;
    const say = () => void peter.socket.sendMessage(jid, { text: `echo ${++count}` }).catch(() => undefined);
    peter.socket.ev.on('messages.upsert', ({ messages }) => {
      if (messages.some(({ key }) => key.remoteJid === jid && key.fromMe !== true)) say();
    });
    say();
    await house.answer(/Peter wrote to me within two seconds of each of my last 10 replies/, jid);
    await house.logged(/No turn: it waits until/);
    await house.idle();
    expect(house.said(jid).filter((text) => /^\d+$/.test(text))).toHaveLength(10);
  });
});

describe('a group', () => {
  it('reports changes of its members and name to the next turn', async () => {
    const { house, jid, people, say, texts } = await family('Ben');
    const { simulator } = house;
    const anna = simulator.addPerson({ name: 'Anna' });
    simulator.addMember(jid, anna);
    await expect.poll(texts).toContainEqual(expect.stringMatching(/ joined\]$/));
    simulator.leave(jid, one(people));
    await expect.poll(texts).toContainEqual(expect.stringMatching(/ left\]$/));
    simulator.renameGroup(jid, 'The clan');
    await expect.poll(texts).toContain('[Family is called The clan now]');
    await say(anna, '@Andy ping');
    await house.answer(/pong/, jid);
    expect(house.said(jid)).toEqual(['pong']);
    expect(house.query('SELECT name, folder FROM registered_groups WHERE is_main = 0')).toEqual([
      { name: 'The clan', folder: 'family' },
    ]);
    const file = join(house.root, 'data', 'ipc', 'main', 'available_groups.json');
    await house.say('@Andy groups');
    await house.answer(/The clan/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ groups: [{ jid, members: 2 }] });
  });

  it('is paused when the account is removed from it, and the owner is notified once', async () => {
    const { house, jid, people } = await family('Ben');
    const { simulator } = house;
    const ben = one(people);
    simulator.promote(jid, ben);
    simulator.removeMember(jid, simulator.owner, { by: ben });
    await house.answer(/I am not in the group Family any more/);
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(house.said().filter((text) => text.includes('not in the group'))).toHaveLength(1);
    expect(house.query('SELECT 1 FROM group_members')).toEqual([]);
  });
});
