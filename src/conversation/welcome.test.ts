import { describe, expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { FAMILY, testStore } from '../../test/support/test-store.ts';
import { Welcome } from './welcome.ts';

const account = (number: string) => ({ jid: `${number}@s`, selfChatJid: `${number}@s`, name: 'Ann' });

function rig() {
  const store = testStore();
  const welcome = new Welcome(store, 'Andy', { now: () => 0 }, silentLog);
  const hellos = (): string[] => store.outbox.heads().map(({ chatJid }) => chatJid);
  return { store, welcome, hellos };
}

describe('a first connection', () => {
  it('makes the owner’s chat the main channel and greets once, also when it is told again after a crash', () => {
    const { store, welcome, hellos } = rig();
    welcome.onAccount(account('1'), true);
    welcome.onAccount(account('1'), true);
    expect(store.groups.main()).toMatchObject({ jid: '1@s', folder: 'main', trigger: '@Andy' });
    expect(hellos()).toEqual(['1@s']);
    expect(store.outbox.counts().get('queued')).toBe(1);
  });

  it('of another account moves the main channel: the old number keeps no rights', () => {
    const { store, welcome, hellos } = rig();
    welcome.onAccount(account('1'), true);
    welcome.onAccount(account('2'), true);
    expect(store.groups.main()).toMatchObject({ jid: '2@s', folder: 'main' });
    expect(store.groups.find('1@s')).toBeUndefined();
    expect(hellos()).toEqual(['1@s', '2@s']);
  });

  it('leaves a main channel alone that was never the chat of an account with itself', () => {
    const { store, welcome } = rig();
    store.groups.add({ ...FAMILY, folder: 'main', isMain: true }, 0);
    welcome.onAccount(account('1'), true);
    expect(store.groups.main()?.jid).toBe(FAMILY.jid);
  });
});
