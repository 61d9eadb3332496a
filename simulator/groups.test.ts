import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BadGroupChange } from './accounts/group.ts';
import { addressOf, type Person } from './accounts/person.ts';
import { textOf } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';
import { NotInChat } from './messages/saying.ts';

let rig: Rig;
let peter: Person;
let anna: Person;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  peter = rig.simulator.addPerson({ name: 'Peter' });
  anna = rig.simulator.addPerson({ name: 'Anna' });
  await rig.pairAndOpen();
});

afterEach(async () => {
  await rig.close();
});

/** The next change of members that the client is told. */
function members(action: string): Promise<{ author: string; people: readonly string[] }> {
  return rig.client.until(`members ${action}`, (seen) =>
    seen.kind === 'members' && seen.action === action ? seen : undefined,
  );
}

function texts(): (string | undefined)[] {
  return rig.client.seen
    .filter((seen) => seen.kind === 'message')
    .map(({ message }) => textOf(message))
    .filter((text) => text !== undefined);
}

async function subjects(): Promise<string[]> {
  const groups = await rig.client.socket.groupFetchAllParticipating();
  return Object.values(groups).map(({ subject }) => subject);
}

describe.each(['lid', 'pn'] as const)('a group addressed by %s', (addressing) => {
  let family: string;

  beforeEach(() => {
    family = rig.simulator.createGroup({ subject: 'Family', members: [peter], addressing }).jid;
  });

  it('reports who was added by whom, and the metadata and the newcomer’s messages follow', async () => {
    rig.simulator.addMember(family, anna);
    const told = await members('add');
    expect(told.people).toEqual([addressOf(anna, addressing)]);
    expect(told.author).toBe(addressOf(rig.simulator.owner, addressing));
    expect((await rig.client.socket.groupMetadata(family)).size).toBe(3);
    await rig.simulator.say({ chat: family, as: anna, text: 'new here' });
    await rig.client.message('new here');
    await rig.client.socket.sendMessage(family, { text: 'welcome' });
    await rig.simulator.waitFor(({ text }) => text === 'welcome');
    expect(rig.simulator.problems).toEqual([]);
  });

  it('reports who was removed and who left, and they cannot send there any more', async () => {
    rig.simulator.addMember(family, anna);
    rig.simulator.removeMember(family, peter);
    expect((await members('remove')).people).toEqual([addressOf(peter, addressing)]);
    await expect(rig.simulator.say({ chat: family, as: peter, text: 'hello?' })).rejects.toThrow(NotInChat);
    const from = rig.client.seen.length;
    rig.simulator.leave(family, anna);
    const left = await rig.client.until(
      'leaving',
      (seen) => (seen.kind === 'members' && seen.action === 'remove' ? seen : undefined),
      from,
    );
    expect(left).toMatchObject({
      people: [addressOf(anna, addressing)],
      author: addressOf(anna, addressing),
    });
    expect((await rig.client.socket.groupMetadata(family)).size).toBe(1);
  });

  it('reports who became an admin and who is none any more', async () => {
    rig.simulator.promote(family, peter);
    expect((await members('promote')).people).toEqual([addressOf(peter, addressing)]);
    const admins = async (): Promise<number> => {
      const { participants } = await rig.client.socket.groupMetadata(family);
      return participants.filter(({ admin }) => admin).length;
    };
    expect(await admins()).toBe(2);
    rig.simulator.demote(family, peter, { by: rig.simulator.owner });
    await members('demote');
    expect(await admins()).toBe(1);
  });

  it('reports its new name', async () => {
    rig.simulator.renameGroup(family, 'Relatives', { by: peter });
    const told = await rig.client.until('subject', (seen) =>
      seen.kind === 'group subject' ? seen : undefined,
    );
    expect(told).toMatchObject({ id: family, subject: 'Relatives' });
    expect(await subjects()).toEqual(['Relatives']);
  });
});

describe('the linked account itself', () => {
  it('may be added to a group of others, and then receives and sends there', async () => {
    const { jid } = rig.simulator.createGroup({ subject: 'Choir', members: [anna], by: peter });
    await rig.simulator.say({ chat: jid, as: anna, text: 'before' });
    expect(await subjects()).toEqual([]);
    await expect(rig.client.socket.groupMetadata(jid)).rejects.toThrow('forbidden');
    rig.simulator.addMember(jid, rig.simulator.owner);
    await rig.client.until('the group', (seen) => (seen.kind === 'group' ? seen : undefined));
    expect((await members('add')).people).toEqual([rig.simulator.owner.lid]);
    await rig.simulator.say({ chat: jid, as: anna, text: 'after' });
    await rig.client.message('after');
    await rig.client.socket.sendMessage(jid, { text: 'hello choir' });
    await rig.simulator.waitFor(({ text }) => text === 'hello choir');
    expect(texts()).not.toContain('before');
  });

  it('may be removed, receives nothing more and cannot write there', async () => {
    const { jid } = rig.simulator.createGroup({
      subject: 'Choir',
      members: [rig.simulator.owner],
      by: peter,
    });
    rig.simulator.removeMember(jid, rig.simulator.owner, { by: peter });
    expect((await members('remove')).people).toEqual([rig.simulator.owner.lid]);
    await rig.simulator.say({ chat: jid, as: peter, text: 'among us' });
    await rig.simulator.say({ chat: peter.jid, as: peter, text: 'to you' });
    await rig.client.message('to you');
    expect(texts()).toEqual(['to you']);
    expect(await subjects()).toEqual([]);
    await expect(rig.client.socket.groupMetadata(jid)).rejects.toThrow('forbidden');
  });

  it('gets an error for messages that it sends there with the members it remembers', async () => {
    const { jid } = rig.simulator.createGroup({
      subject: 'Choir',
      members: [rig.simulator.owner],
      by: peter,
    });
    const remembered = await rig.client.socket.groupMetadata(jid);
    await rig.client.end();
    await rig.client.open({ cachedGroupMetadata: async () => remembered });
    rig.simulator.removeMember(jid, rig.simulator.owner, { by: peter });
    const sent = await rig.client.socket.sendMessage(jid, { text: 'still here?' });
    await rig.client.refused(sent?.key.id ?? '');
    expect(rig.simulator.chat(jid)).toEqual([]);
    expect(rig.simulator.problems.map(({ kind }) => kind)).toEqual(['refused']);
  });
});

describe('a group that hides numbers', () => {
  let choir: string;

  beforeEach(() => {
    choir = rig.simulator.createGroup({ subject: 'Choir', members: [peter], numbersHidden: true }).jid;
  });

  it('names its members by LID alone until a number is revealed', async () => {
    const { participants } = await rig.client.socket.groupMetadata(choir);
    expect(participants.map(({ id, phoneNumber }) => [id, phoneNumber])).toEqual([
      [rig.simulator.owner.lid, rig.simulator.owner.jid],
      [peter.lid, undefined],
    ]);
    await rig.simulator.say({ chat: choir, as: peter, text: 'who am I' });
    const { key } = await rig.client.message('who am I');
    expect(key.participant).toBe(peter.lid);
    expect(key.participantAlt).toBeFalsy();
    rig.simulator.revealNumber(choir, peter);
    await rig.simulator.say({ chat: choir, as: peter, text: 'it is me' });
    expect((await rig.client.message('it is me')).key.participantAlt).toBe(peter.jid);
    const after = await rig.client.socket.groupMetadata(choir);
    expect(after.participants[1]?.phoneNumber).toBe(peter.jid);
  });

  it('still gets the client’s messages', async () => {
    await rig.client.socket.sendMessage(choir, { text: 'la' });
    await rig.simulator.waitFor(({ text }) => text === 'la');
    expect(rig.simulator.problems).toEqual([]);
  });
});

it.each<[string, (jid: string) => void]>([
  ['adding a member twice', (jid) => rig.simulator.addMember(jid, peter)],
  ['removing who is not there', (jid) => rig.simulator.removeMember(jid, anna)],
  [
    'removing by who is no admin',
    (jid) => rig.simulator.removeMember(jid, rig.simulator.owner, { by: peter }),
  ],
  ['promoting an admin', (jid) => rig.simulator.promote(jid, rig.simulator.owner)],
  ['leaving a group one is not in', (jid) => rig.simulator.leave(jid, anna)],
  ['renaming by a stranger', (jid) => rig.simulator.renameGroup(jid, 'X', { by: anna })],
  ['an empty subject', (jid) => rig.simulator.renameGroup(jid, ' ')],
])('a group refuses %s and reports nothing', (_what, change) => {
  const { jid } = rig.simulator.createGroup({ subject: 'Family', members: [peter] });
  const before = rig.simulator.groups;
  const waiting = rig.simulator.devices()[0]?.waiting;
  expect(() => change(jid)).toThrow(BadGroupChange);
  expect(rig.simulator.groups).toEqual(before);
  expect(rig.simulator.devices()[0]?.waiting).toBe(waiting);
});

it('a group that is addressed by numbers hides none', () => {
  const group = { subject: 'Odd', members: [peter], addressing: 'pn', numbersHidden: true } as const;
  expect(() => rig.simulator.createGroup({ ...group, members: [peter] })).toThrow(BadGroupChange);
});

it('a group makes its oldest member an admin when the last one leaves', () => {
  const { jid } = rig.simulator.createGroup({ subject: 'Family', members: [peter, anna] });
  rig.simulator.leave(jid, rig.simulator.owner);
  expect(rig.simulator.groups[0]).toMatchObject({ members: [peter, anna], admins: [peter] });
});
