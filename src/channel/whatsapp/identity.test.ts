import { describe, expect, it } from 'vitest';
import { Identity } from './identity.ts';

const ME = { id: '491510:7@s.whatsapp.net', lid: '100:7@lid' };
const ME_JID = '491510@s.whatsapp.net';
const PETER = '491512@s.whatsapp.net';
const PETER_LID = '102@lid';

function identity(known: Record<string, string> = {}, owner: typeof ME | undefined = ME) {
  const book = new Map(Object.entries(known));
  const learnt: [string, string][] = [];
  const same: [string, string][] = [];
  const told = new Map<string, string>();
  const made = new Identity(
    {
      numberOf: (lid) => book.get(lid),
      lidOf: (number) => [...book].find(([, known]) => known === number)?.[0],
      learntNumber: (lid) => told.get(lid),
      learnNumber: (lid, number) => {
        learnt.push([lid, number]);
        book.set(lid, number);
        told.set(lid, number);
      },
    },
    () => owner,
    (from, to) => same.push([from, to]) > 0,
  );
  return { identity: made, learnt, same };
}

describe('a person', () => {
  it.each([
    ['a number', PETER, undefined],
    ['a number with a device', '491512:3@s.whatsapp.net', undefined],
    ['a number with a device and an agent', '491512_1:3@s.whatsapp.net', undefined],
    ['a number of the old server', '491512@c.us', undefined],
    ['a number on a business’ own server', '491512:99@hosted', undefined],
    ['a LID with its number', PETER_LID, PETER],
    ['a LID with a device and its number with one', '102:4@lid', '491512:4@s.whatsapp.net'],
    ['a number with its LID', PETER, PETER_LID],
  ])('has one address when given as %s', (_, jid, alt) => {
    expect(identity().identity.person(jid, alt)).toBe(PETER);
  });

  it('has a number for a bare LID once any message revealed it', () => {
    const { identity: people } = identity();
    expect(people.person(PETER_LID)).toBe(PETER_LID);
    people.person(PETER, PETER_LID);
    expect(people.person(PETER_LID)).toBe(PETER);
    expect(people.person('102:9@lid')).toBe(PETER);
  });

  it('keeps the LID without a device while the number is unknown', () => {
    expect(identity().identity.person('102:4@lid')).toBe(PETER_LID);
  });

  it('is found by the stored aliases after a restart', () => {
    expect(identity({ '102': '491512' }).identity.person(PETER_LID)).toBe(PETER);
  });

  it.each([
    ['told by a message', {}, PETER],
    ['known to Baileys already', { '102': '491512' }, undefined],
  ])('is reported once as the same person when the number is %s', (_, known, alt) => {
    const { identity: people, same } = identity(known);
    for (let n = 0; n < 3; n += 1) people.person(PETER_LID, alt);
    expect(same).toEqual([[PETER_LID, PETER]]);
  });

  it('is reported again after a change of number', () => {
    const { identity: people, same } = identity();
    for (const number of [PETER, '491513@s.whatsapp.net']) people.person(PETER_LID, number);
    expect(same).toEqual([
      [PETER_LID, PETER],
      [PETER_LID, '491513@s.whatsapp.net'],
    ]);
  });

  it('is reported again when the listener could not take it', () => {
    const told: string[] = [];
    const numbers = new Map<string, string>();
    const people = new Identity(
      {
        numberOf: (lid) => numbers.get(lid),
        lidOf: () => undefined,
        learntNumber: (lid) => numbers.get(lid),
        learnNumber: (lid, number) => void numbers.set(lid, number),
      },
      () => ME,
      (from) => {
        told.push(from);
        return told.length > 1;
      },
    );
    expect(people.person(PETER_LID, PETER)).toBe(PETER);
    expect(numbers.size).toBe(0);
    people.person(PETER_LID, PETER);
    people.person(PETER_LID, PETER);
    expect(told).toHaveLength(2);
  });

  it('is looked up once, not at every message', () => {
    const { identity: people, learnt } = identity();
    for (let n = 0; n < 3; n += 1) people.person(PETER_LID, PETER);
    expect(learnt).toEqual([['102', '491512']]);
  });

  it.each([
    '120363@g.us',
    'status@broadcast',
    '120363@newsletter',
    '1@broadcast',
    'x@bot',
    'nonsense',
    '',
    null,
    undefined,
  ])('the address %s is no person', (jid) => {
    expect(identity().identity.person(jid)).toBeUndefined();
  });
});

describe('the owner', () => {
  it.each(['491510@s.whatsapp.net', '491510:7@s.whatsapp.net', '100@lid', '100:7@lid', '100:0@lid'])(
    'is recognized as %s',
    (jid) => {
      const { identity: people } = identity();
      expect(people.isOwner(jid)).toBe(true);
      expect(people.person(jid)).toBe(ME_JID);
      expect(people.chat({ remoteJid: jid, fromMe: true })).toBe(ME_JID);
    },
  );

  it('is not anybody with the same digits in the other form', () => {
    const { identity: people } = identity();
    expect(people.isOwner('491510@lid')).toBe(false);
    expect(people.isOwner('100@s.whatsapp.net')).toBe(false);
  });

  it('is unknown before pairing', () => {
    const people = new Identity(
      {
        numberOf: () => undefined,
        lidOf: () => undefined,
        learntNumber: () => undefined,
        learnNumber: () => undefined,
      },
      () => undefined,
    );
    expect(people.ownerJid).toBeUndefined();
    expect(people.isOwner(ME.id)).toBe(false);
  });

  it('is never mistaken for the recipient whose LID came beside the owner’s number', () => {
    const { identity: people, learnt } = identity({ '102': '491510' });
    expect(people.chat({ remoteJid: PETER_LID, remoteJidAlt: ME.id, fromMe: true })).toBe(PETER_LID);
    expect(learnt).toEqual([]);
  });
});

describe('a message', () => {
  it('belongs to its group and its writer when it is in a group', () => {
    const { identity: people } = identity();
    const key = { remoteJid: '120363@g.us', participant: '102:4@lid', participantAlt: PETER };
    expect(people.chat(key)).toBe('120363@g.us');
    expect(people.sender(key)).toBe(PETER);
  });

  it('is the owner’s when the owner writes in a group, whatever its participant says', () => {
    const key = { remoteJid: '120363@g.us', participant: ME.lid, fromMe: true };
    expect(identity().identity.sender(key)).toBe(ME_JID);
  });

  it('belongs to the chat with the recipient when the owner writes to somebody', () => {
    const key = { remoteJid: PETER_LID, remoteJidAlt: PETER, fromMe: true };
    const { identity: people } = identity();
    expect([people.chat(key), people.sender(key)]).toEqual([PETER, ME_JID]);
  });

  it.each(['status@broadcast', '120363@newsletter', undefined])(
    'belongs to no chat when its address is %s',
    (remoteJid) => {
      expect(identity().identity.chat({ remoteJid, participant: PETER })).toBeUndefined();
    },
  );
});
