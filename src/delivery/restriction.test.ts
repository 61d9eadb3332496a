import { expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { MAIN, testStore } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { Restriction } from './restriction.ts';

function rig() {
  const store = testStore();
  store.groups.add(MAIN, 0);
  const restriction = new Restriction(store, { now: () => 0 }, silentLog);
  const told = (): string[] => {
    const texts: string[] = [];
    for (let head = store.outbox.heads()[0]; head !== undefined; head = store.outbox.heads()[0]) {
      texts.push(wordsOf(head.message));
      store.outbox.settle(head.seq, 'sent', 0);
    }
    return texts;
  };
  return { store, restriction, told };
}

it('the owner is notified of a restriction once, however often it is reported and whatever of it changes', () => {
  const { store, restriction, told } = rig();
  for (const reason of ['No new chats', 'No new chats', 'No new chats until tomorrow'])
    restriction.report(reason);
  expect(told()).toEqual([expect.stringContaining('No new chats')]);
  expect(store.state.get('restriction')).toBe('No new chats until tomorrow');
});

it('the owner is notified when a restriction is lifted, and then of the next one', () => {
  const { restriction, told } = rig();
  for (const reason of ['First', undefined, undefined, 'Second']) restriction.report(reason);
  expect(told()).toEqual([
    expect.stringContaining('First'),
    expect.stringContaining('lifted'),
    expect.stringContaining('Second'),
  ]);
});

it('an account that was never restricted causes no notice', () => {
  const { restriction, told } = rig();
  restriction.report(undefined);
  expect(told()).toEqual([]);
});

it('only chats that refused a message are forbidden, until the restriction is lifted', () => {
  const { restriction } = rig();
  restriction.report('No new chats');
  for (const chat of ['a@s', 'b@s', 'a@s']) restriction.refused(chat);
  expect(['a@s', 'b@s', 'c@s'].map((chat) => restriction.forbids(chat))).toEqual([true, true, false]);
  restriction.report(undefined);
  expect(restriction.forbids('a@s')).toBe(false);
  restriction.report('No new chats');
  expect(restriction.forbids('a@s')).toBe(false);
});

it('a chat in which somebody wrote is not forbidden any more, other chats are', () => {
  const { restriction } = rig();
  restriction.report('No new chats');
  for (const chat of ['a@s', 'b@s']) restriction.refused(chat);
  for (const chat of ['a@s', 'c@s']) restriction.heardFrom(chat);
  expect(['a@s', 'b@s'].map((chat) => restriction.forbids(chat))).toEqual([false, true]);
});

it('a chat is forbidden under its other address too', () => {
  const { store, restriction } = rig();
  restriction.report('No new chats');
  restriction.refused('102@lid');
  store.samePerson.merge('102@lid', '491512@s.whatsapp.net');
  expect(restriction.forbids('491512@s.whatsapp.net')).toBe(true);
});

it('a restriction holds as soon as it is reported, also while it cannot be stored', () => {
  const { store, restriction } = rig();
  restriction.refused('a@s');
  const waiting: (() => void)[] = [];
  restriction.report('No new chats', (write) => void waiting.push(write));
  expect(restriction.forbids('a@s')).toBe(true);
  expect(store.state.get('restriction')).toBeUndefined();
  for (const write of waiting) write();
  expect(store.state.get('restriction')).toBe('No new chats');
});
