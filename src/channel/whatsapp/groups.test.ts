import { type GroupMetadata, WAMessageAddressingMode } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Groups } from './groups.ts';
import { Identity } from './identity.ts';
import { Recorder } from './testing/recorder.ts';

const FAMILY = '120363@g.us';
const ME = '491510@s.whatsapp.net';
const EVE = '491519@s.whatsapp.net';
const PETER = '491512@s.whatsapp.net';

const NAMES: Readonly<Record<string, string>> = { [PETER]: 'Peter' };

function group(over: Partial<GroupMetadata> = {}): GroupMetadata {
  return {
    id: FAMILY,
    subject: 'Family',
    owner: undefined,
    participants: [{ id: '102@lid', phoneNumber: PETER }],
    ...over,
  };
}

function rig() {
  const listener = new Recorder();
  const numbers = new Map<string, string>();
  const identity = new Identity(
    {
      numberOf: (lid) => numbers.get(lid),
      lidOf: (number) => [...numbers].find(([, known]) => known === number)?.[0],
      learntNumber: (lid) => numbers.get(lid),
      learnNumber: (lid, number) => void numbers.set(lid, number),
    },
    () => ({ id: '491510:7@s.whatsapp.net', lid: '100:7@lid' }),
  );
  const timers: [string, number][] = [];
  const onTimer = (jid: string, seconds: number) => void timers.push([jid, seconds]);
  return {
    listener,
    identity,
    timers,
    groups: new Groups(listener, identity, (jid) => NAMES[jid], pino({ level: 'silent' }), onTimer),
  };
}

const queries = (answer: GroupMetadata | Error) => {
  const ask = async (): Promise<GroupMetadata> => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { groupMetadata: ask, groupFetchAllParticipating: async () => ({ [FAMILY]: await ask() }) };
};

describe('the groups', () => {
  it('are counted, reported and known after a sync', async () => {
    const { groups, listener } = rig();
    expect(await groups.sync(queries(group()))).toBe(1);
    expect(listener.chats).toEqual([{ jid: FAMILY, name: 'Family', isGroup: true }]);
    expect(groups.name(FAMILY)).toBe('Family');
    expect(groups.metadata(FAMILY)?.participants).toHaveLength(1);
  });

  it('name a member by the username when nothing else is known', async () => {
    const { groups, listener } = rig();
    await groups.sync(queries(group({ participants: [{ id: '103@lid', username: 'anna' }] })));
    expect(listener.members.get(FAMILY)).toEqual([{ jid: '103@lid', name: 'anna', isAdmin: false }]);
  });

  it('resolve a member’s LID to a number', async () => {
    const { groups, identity } = rig();
    await groups.sync(queries(group()));
    expect(identity.person('102@lid')).toBe(PETER);
  });

  it('stay known when a sync fails, and the caller gets the error', async () => {
    const { groups } = rig();
    groups.takeAll([group()]);
    await expect(groups.sync(queries(new Error('timed out')))).rejects.toThrow('timed out');
    expect(groups.name(FAMILY)).toBe('Family');
  });

  it('a group that an answer leaves out is requested at the next send, and the listener decides what it means', async () => {
    const { groups, listener } = rig();
    groups.takeAll([group({ id: '999@g.us' })]);
    await groups.sync(queries(group()));
    expect(groups.metadata('999@g.us')).toBeUndefined();
    expect(listener.groupLists).toEqual([[FAMILY]]);
    expect(listener.members.get('999@g.us')).toHaveLength(1);
  });

  it('a group that an empty answer leaves out does not count as left', async () => {
    const { groups, listener } = rig();
    groups.takeAll([group()]);
    expect(await groups.sync({ ...queries(group()), groupFetchAllParticipating: async () => ({}) })).toBe(0);
    expect(listener.members.get(FAMILY)).toHaveLength(1);
    expect(listener.groupLists).toEqual([[]]);
  });

  it('a group that the account joined during the request does not count as left', async () => {
    const { groups, listener } = rig();
    const asking = groups.sync(queries(group()));
    groups.takeAll([group({ id: '999@g.us' })]);
    await asking;
    expect(listener.groupLists).toEqual([[FAMILY, '999@g.us']]);
    expect(groups.name('999@g.us')).toBe('Family');
  });

  it('are requested once for all who ask at the same time', async () => {
    const { groups } = rig();
    let asked = 0;
    const counting = {
      ...queries(group()),
      groupFetchAllParticipating: async () => {
        asked++;
        return { [FAMILY]: group() };
      },
    };
    expect(await Promise.all([groups.sync(counting), groups.sync(counting)])).toEqual([1, 1]);
    expect(asked).toBe(1);
    await groups.sync(counting);
    expect(asked).toBe(2);
  });
});

describe('the timer of a group’s disappearing messages', () => {
  it('is reported with the group and when it changes, and not where the server left out the members', () => {
    const { groups, timers } = rig();
    groups.takeAll([group({ ephemeralDuration: 86_400 }), group({ id: '999@g.us', participants: [] })]);
    groups.updateAll([{ id: FAMILY, ephemeralDuration: 0 }, { id: FAMILY, announce: true }, group()]);
    expect(timers).toEqual([
      [FAMILY, 86_400],
      [FAMILY, 0],
      [FAMILY, 0],
    ]);
  });
});

describe('the name of a group’s member', () => {
  const byLid = group({ addressingMode: WAMessageAddressingMode.LID });

  it.each([
    [
      'the LID where the group goes by LIDs',
      WAMessageAddressingMode.LID,
      ['102@lid', '100@lid', EVE, '105@lid'],
    ],
    ['the number where it goes by numbers', WAMessageAddressingMode.PN, [PETER, ME, EVE, '105@lid']],
  ])('is %s, and the other address where that is unknown', async (_, addressingMode, names) => {
    const { groups } = rig();
    groups.takeAll([group({ addressingMode })]);
    const people = [PETER, ME, EVE, '105@lid'];
    expect(await Promise.all(people.map((each) => groups.memberName(undefined, FAMILY, each)))).toEqual(
      names,
    );
  });

  it('is the LID of a member who has left, too', async () => {
    const { groups } = rig();
    groups.takeAll([byLid]);
    groups.takeAll([{ ...byLid, participants: [{ id: '103@lid' }] }]);
    expect(await groups.memberName(undefined, FAMILY, PETER)).toBe('102@lid');
  });

  it('is requested in an unknown group, and is the person’s own address without an answer', async () => {
    const { groups } = rig();
    expect(await groups.memberName(queries(new Error('timed out')), FAMILY, PETER)).toBe(PETER);
    expect(await groups.memberName(queries(byLid), FAMILY, PETER)).toBe('102@lid');
    expect(groups.name(FAMILY)).toBe('Family');
  });
});

describe('a change of a group', () => {
  it('is kept and reported when it is a new name, and ignored when the name is the same', () => {
    const { groups, listener } = rig();
    groups.takeAll([group()]);
    groups.updateAll([
      { id: FAMILY, subject: 'The family' },
      { id: FAMILY, announce: true },
      { id: '999@g.us', subject: '?' },
    ]);
    expect(listener.chats.map(({ name }) => name)).toEqual(['Family', 'The family']);
    expect(groups.metadata(FAMILY)).toMatchObject({ subject: 'The family', announce: true });
  });

  it('makes the members unknown until they are fetched again, and until then a send asks the server', async () => {
    const { groups, listener } = rig();
    groups.takeAll([group()]);
    const eve = { id: EVE, admin: 'admin' } as const;
    const participants = [...group().participants, eve];
    const asked = groups.membersChanged(queries(group({ participants })), change('add', EVE));
    expect(groups.metadata(FAMILY)).toBeUndefined();
    await asked;
    expect(groups.metadata(FAMILY)?.participants).toHaveLength(2);
    expect(listener.members.get(FAMILY)).toEqual([
      { jid: PETER, name: 'Peter', isAdmin: false },
      { jid: EVE, isAdmin: true },
    ]);
  });

  it('leaves the group to the next send when the members cannot be fetched', async () => {
    const { groups, listener } = rig();
    groups.takeAll([group()]);
    await groups.membersChanged(queries(new Error('not a member')), change('remove', EVE));
    expect(groups.metadata(FAMILY)).toBeUndefined();
    expect(listener.members.get(FAMILY)).toHaveLength(1);
  });

  it.each([
    ['number', { id: ME }],
    ['LID', { id: '100@lid', phoneNumber: '491510:7@s.whatsapp.net' }],
  ])(
    'empties the group without a request when it removes the account, named by its %s',
    async (_, participant) => {
      const { groups, listener } = rig();
      groups.takeAll([group()]);
      await groups.membersChanged(queries(new Error('must not be asked')), {
        ...change('remove', ME),
        participants: [participant],
      });
      expect(groups.metadata(FAMILY)).toBeUndefined();
      expect(listener.members.get(FAMILY)).toEqual([]);
    },
  );

  it('a hundred changes at once cause two requests: one at once, and one after the last', async () => {
    const { groups, listener } = rig();
    let asked = 0;
    const counting = {
      groupFetchAllParticipating: async () => ({}),
      groupMetadata: async () => group({ participants: ++asked === 1 ? [] : group().participants }),
    };
    await Promise.all(
      Array.from({ length: 100 }, () => groups.membersChanged(counting, change('add', PETER))),
    );
    expect(asked).toBe(2);
    expect(listener.members.get(FAMILY)).toHaveLength(1);
  });
});

function change(action: 'add' | 'remove', id: string) {
  return { id: FAMILY, author: PETER, participants: [{ id }], action };
}
