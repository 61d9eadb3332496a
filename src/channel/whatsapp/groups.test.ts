import type { GroupMetadata } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Groups } from './groups.ts';
import { Identity } from './identity.ts';
import { Recorder } from './testing/recorder.ts';

const FAMILY = '120363@g.us';
const PETER = '491512@s.whatsapp.net';

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
    { numberOf: (lid) => numbers.get(lid), learnNumber: (lid, number) => void numbers.set(lid, number) },
    () => ({ id: '491510:7@s.whatsapp.net' }),
  );
  return { listener, identity, groups: new Groups(listener, identity, pino({ level: 'silent' })) };
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

  it('tell which number a member’s LID stands for', async () => {
    const { groups, identity } = rig();
    await groups.sync(queries(group()));
    expect(identity.person('102@lid')).toBe(PETER);
  });

  it('stay known when a sync fails, which its caller is told', async () => {
    const { groups } = rig();
    groups.takeAll([group()]);
    await expect(groups.sync(queries(new Error('timed out')))).rejects.toThrow('timed out');
    expect(groups.name(FAMILY)).toBe('Family');
  });

  it('that the account has left are forgotten by the next sync', async () => {
    const { groups } = rig();
    groups.takeAll([group({ id: '999@g.us' })]);
    await groups.sync(queries(group()));
    expect(groups.metadata('999@g.us')).toBeUndefined();
  });
});

describe('a change', () => {
  it('of the name is kept and reported; one that is none is not', () => {
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

  it('of the members is asked for, and until then a send asks the server', async () => {
    const { groups } = rig();
    groups.takeAll([group()]);
    const asked = groups.refresh(queries(group({ participants: [] })), FAMILY);
    expect(groups.metadata(FAMILY)).toBeUndefined();
    await asked;
    expect(groups.metadata(FAMILY)?.participants).toEqual([]);
  });

  it('that cannot be asked for leaves the group to the next send', async () => {
    const { groups } = rig();
    groups.takeAll([group()]);
    await groups.refresh(queries(new Error('not a member')), FAMILY);
    expect(groups.metadata(FAMILY)).toBeUndefined();
  });
});
