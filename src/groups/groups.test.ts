import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore, testTask } from '../../test/support/test-store.ts';
import { pathsAt } from '../paths.ts';
import { checkFolderName, FolderNameError } from './folder-name.ts';
import { GroupFolderError, scaffoldGroup } from './group-folders.ts';
import {
  followAssistantName,
  RegistrationError,
  registerGroup,
  registerMain,
  unregisterGroup,
} from './registration.ts';

describe('a folder name', () => {
  it.each(['family', 'Family-2', 'a', '0_x'])('%j is accepted', (name) => {
    expect(checkFolderName(name)).toBe(name);
  });

  it.each([
    '../etc',
    'a/b',
    '.hidden',
    '',
    ' ',
    'a b',
    'x'.repeat(65),
    'errors',
    'Global',
    'messages',
    'a\0b',
    '-x',
  ])('%j is refused with an error that says what is accepted', (name) => {
    expect(() => checkFolderName(name)).toThrow(FolderNameError);
    expect(() => checkFolderName(name)).toThrow(/letters, digits/);
  });
});

describe('the directories of a group', () => {
  it('are all created, and existing files are left alone', async () => {
    const paths = pathsAt(temporaryDirectory());
    mkdirSync(paths.group('family'), { recursive: true });
    writeFileSync(join(paths.group('family'), 'CLAUDE.md'), 'mine');
    await scaffoldGroup(paths, 'family', 'Family');
    await scaffoldGroup(paths, 'family', 'Family');
    expect(readFileSync(join(paths.group('family'), 'CLAUDE.md'), 'utf8')).toBe('mine');
    for (const directory of ['messages', 'tasks', 'input', 'files', 'results']) {
      expect(lstatSync(join(paths.groupIpc('family'), directory)).isDirectory()).toBe(true);
    }
  });

  it('are refused where a link is in their place, and nothing is created behind it', async () => {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(paths.group('family'), { recursive: true });
    symlinkSync(elsewhere, paths.groupLogs('family'));
    await expect(scaffoldGroup(paths, 'family', 'Family')).rejects.toThrow(GroupFolderError);
  });

  it('leave the target of a link alone that was planted as the memory', async () => {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    mkdirSync(paths.group('family'), { recursive: true });
    symlinkSync(join(root, 'target'), join(paths.group('family'), 'CLAUDE.md'));
    await scaffoldGroup(paths, 'family', 'Family');
    expect(() => lstatSync(join(root, 'target'))).toThrow(/ENOENT/);
  });

  it('are refused outside their parent', async () => {
    await expect(scaffoldGroup(pathsAt(temporaryDirectory()), '../x', 'X')).rejects.toThrow(FolderNameError);
  });
});

describe('registering a chat', () => {
  const request = { jid: FAMILY.jid, name: 'Family', folder: 'family', trigger: '@Andy' };

  it('makes it one of the assistant’s, never the main channel', () => {
    const store = testStore();
    expect(registerGroup(store, request, 0)).toEqual(FAMILY);
    expect(store.groups.find(FAMILY.jid)).toEqual(FAMILY);
  });

  it.each([
    ['a folder in use', { ...request, jid: 'other@g.us' }, /in use by Family/],
    [
      'a folder that differs only in case',
      { ...request, jid: 'other@g.us', folder: 'FAMILY' },
      /in use by Family/,
    ],
    ['main’s folder', { ...request, jid: 'other@g.us', folder: 'main' }, /belongs to the main channel/],
    ['an unsafe folder', { ...request, jid: 'other@g.us', folder: '../x' }, /cannot be a group/],
    ['a chat that is active already', { ...request, folder: 'again' }, /active already/],
  ])('is refused for %s', (_, bad, words) => {
    const store = testStore();
    registerGroup(store, request, 0);
    expect(() => registerGroup(store, bad, 0)).toThrow(words);
    expect(store.groups.all()).toEqual([FAMILY]);
  });

  it('takes the assistant’s name as the trigger when none is given, once the name is known', () => {
    const store = testStore();
    expect(() => registerGroup(store, { ...request, trigger: undefined }, 0)).toThrow(/trigger is missing/);
    followAssistantName(store, '@Zoë');
    expect(registerGroup(store, { ...request, trigger: undefined }, 0).trigger).toBe('@Zoë');
  });

  it('registering a chat again in its folder changes its settings and nothing else', () => {
    const store = testStore();
    registerGroup(store, { ...request, requiresTrigger: false, containerConfig: { provider: 'kimi' } }, 0);
    registerGroup(store, { ...request, name: 'Other', trigger: '!bot' }, 1);
    const kept = { ...FAMILY, trigger: '!bot', requiresTrigger: false };
    expect(store.groups.all()).toEqual([{ ...kept, containerConfig: { provider: 'kimi' } }]);
    registerGroup(store, { ...request, trigger: undefined, containerConfig: {} }, 2);
    expect(store.groups.all()).toEqual([kept]);
  });

  it('registering the main channel again changes its settings, and it stays the main channel', () => {
    const store = testStore();
    registerMain(store, MAIN.jid, '@Andy', 0);
    const asked = {
      ...request,
      jid: MAIN.jid,
      folder: MAIN.folder,
      containerConfig: { provider: 'codex' },
    } as const;
    registerGroup(store, asked, 1);
    expect(store.groups.main()).toEqual({ ...MAIN, containerConfig: { provider: 'codex' } });
  });

  it('the main channel can be registered only once', () => {
    const store = testStore();
    expect(registerMain(store, MAIN.jid, '@Andy', 0)).toEqual(MAIN);
    expect(registerMain(store, 'another@s.whatsapp.net', '@Andy', 0)).toEqual(MAIN);
  });

  it('can be undone for a group, whose tasks are then paused, and not for the main channel', () => {
    const store = testStore();
    registerMain(store, MAIN.jid, '@Andy', 0);
    registerGroup(store, request, 0);
    store.tasks.add(testTask());
    unregisterGroup(store, FAMILY.jid, 0);
    expect(store.groups.find(FAMILY.jid)).toBeUndefined();
    expect(store.tasks.find('t')?.status).toBe('paused');
    expect(() => unregisterGroup(store, MAIN.jid, 0)).toThrow(RegistrationError);
    expect(() => unregisterGroup(store, FAMILY.jid, 0)).toThrow(/not active/);
  });

  it('accepts an address that it had before', () => {
    const store = testStore();
    store.groups.add({ ...FAMILY, jid: 'ben@lid' }, 0);
    store.samePerson.merge('ben@lid', 'ben@s.whatsapp.net');
    expect(unregisterGroup(store, 'ben@lid', 0).folder).toBe(FAMILY.folder);
    expect(store.groups.all()).toEqual([]);
  });
});

describe('a changed name of the assistant', () => {
  it('is followed by the groups that were triggered by the old one only', () => {
    const store = testStore();
    followAssistantName(store, '@Andy');
    registerMain(store, MAIN.jid, '@Andy', 0);
    registerGroup(store, { jid: FAMILY.jid, name: 'Family', folder: 'family', trigger: '!bot' }, 0);
    followAssistantName(store, '@Zoë');
    expect(store.groups.all().map(({ trigger }) => trigger)).toEqual(['@Zoë', '!bot']);
  });
});
