import { afterEach, beforeEach, expect, it } from 'vitest';
import { Directory, UnknownJid } from './directory.ts';
import { groupElement } from './group.ts';
import { addressOf, BadPerson } from './person.ts';

let directory: Directory;

beforeEach(() => {
  directory = new Directory({ name: 'Maria', number: '+4915100001' });
});

afterEach(() => {
  directory.close();
});

it('the directory knows people by both forms of their address, with and without a device', () => {
  const peter = directory.addPerson({ name: 'Peter' });
  for (const jid of [peter.jid, peter.lid, addressOf(peter, 'pn', 3), addressOf(peter, 'lid', 3)]) {
    expect(directory.person(jid)).toBe(peter);
  }
  expect(directory.owner.jid).toBe('4915100001@s.whatsapp.net');
});

it('the directory does not mix up people with the same digits on different servers', () => {
  const digits = directory.owner.jid.split('@')[0];
  expect(directory.find(`${digits}@lid`)).toBeUndefined();
  expect(() => directory.person('nobody@lid')).toThrow(UnknownJid);
});

it.each([
  [{ name: 'Eve', number: '123' }, 'no phone number'],
  [{ name: 'Eve', number: 'abcdefgh' }, 'no phone number'],
  [{ name: ' ', number: '4917012345' }, 'name is empty'],
  [{ name: 'Eve', number: '4915100001' }, 'is taken'],
])('the directory refuses %o', (person, reason) => {
  expect(() => directory.addPerson(person)).toThrow(BadPerson);
  expect(() => directory.addPerson(person)).toThrow(reason);
});

it('the directory puts the owner into every group once, and describes the group in its own addressing', () => {
  const peter = directory.addPerson({ name: 'Peter' });
  const members = [directory.owner, peter];
  const group = directory.createGroup({ subject: 'Family', members });
  expect(group.members).toEqual(members);
  const { attrs, content } = groupElement(group, directory.owner);
  expect(attrs).toMatchObject({ addressing_mode: 'lid', size: '2', creator: directory.owner.lid });
  expect(content).toMatchObject([
    { attrs: { jid: directory.owner.lid, phone_number: directory.owner.jid, type: 'superadmin' } },
    { attrs: { jid: peter.lid, phone_number: peter.jid } },
  ]);
  const other = directory.createGroup({ subject: 'Work', members: [peter], addressing: 'pn' });
  expect(other.jid).not.toBe(group.jid);
  expect(groupElement(other, directory.owner).attrs).toMatchObject({
    addressing_mode: 'pn',
    creator: directory.owner.jid,
  });
});

it('the directory refuses a group with a stranger', () => {
  const stranger = { jid: '4900@s.whatsapp.net', lid: '1@lid', name: 'Stranger' };
  expect(() => directory.createGroup({ subject: 'Odd', members: [stranger] })).toThrow(UnknownJid);
});
