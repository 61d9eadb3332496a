import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, newMessage, testStore } from '../../test/support/test-store.ts';
import { HOUR } from '../clock.ts';
import { pathsAt } from '../paths.ts';
import { adoptV1Files } from './adopt-v1-files.ts';
import { formatGroups, formatTasks, listTasks } from './lists.ts';
import { formatStatus, readStatus } from './status.ts';

const DAY = 24 * HOUR;

describe('the files of a v1 checkout', () => {
  function rig(files: Record<string, string>) {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    mkdirSync(paths.data);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(paths.data, name), content);
    const store = testStore(root);
    const { log, lines } = rememberingLog();
    return { store, lines, data: paths.data, adopt: () => adoptV1Files(store, paths, log, 0) };
  }

  it('become groups, sessions and cursors, once', async () => {
    const { store, adopt } = rig({
      'registered_groups.json': JSON.stringify({
        [MAIN.jid]: { name: 'Me', folder: 'main', trigger: '@Andy', added_at: '2025-01-01T00:00:00.000Z' },
        [FAMILY.jid]: {
          name: 'Family',
          folder: 'family',
          trigger: '@Andy',
          containerConfig: { timeout: 60_000 },
        },
      }),
      'sessions.json': JSON.stringify({ main: 'session-1', family: 'codex-last' }),
      'router_state.json': JSON.stringify({
        last_agent_timestamp: { [MAIN.jid]: '2026-01-01T00:00:00.000Z' },
      }),
    });
    store.messages.add(newMessage({ id: '1' }));
    store.messages.add(newMessage({ id: '2', timestamp: Date.UTC(2026, 0, 2) }));
    await adopt();
    expect(store.groups.main()).toMatchObject({ jid: MAIN.jid, requiresTrigger: false });
    expect(store.groups.inFolder('family')).toMatchObject({
      requiresTrigger: true,
      containerConfig: { timeout: 60_000 },
    });
    expect(store.sessions.find('main', 'claude')?.sessionId).toBe('session-1');
    expect(store.sessions.find('family', 'codex')?.sessionId).toBe('codex-last');
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    store.groups.remove(FAMILY.jid);
    await adopt();
    expect(store.groups.find(FAMILY.jid)).toBeUndefined();
  });

  it('are logged and stop nothing when they are damaged, or name a folder outside', async () => {
    const { store, lines, adopt } = rig({
      'registered_groups.json': JSON.stringify({ 'x@g.us': { name: 'X', folder: '../x', trigger: '@Andy' } }),
      'sessions.json': '{ half',
    });
    await adopt();
    expect(store.groups.all()).toEqual([]);
    expect(lines.filter(({ level }) => level === 40)).toHaveLength(2);
  });

  it('lose a damaged entry only, and a repaired file is imported at the next start', async () => {
    const good = { name: 'Family', folder: 'family', trigger: '@Andy' };
    const { store, data, adopt } = rig({
      'registered_groups.json': JSON.stringify({ 'x@g.us': { name: 'X' }, [FAMILY.jid]: good }),
      'sessions.json': '{ half',
    });
    await adopt();
    expect(store.groups.all()).toMatchObject([{ folder: 'family' }]);
    writeFileSync(join(data, 'sessions.json'), '{"family":"session-1"}');
    await adopt();
    expect(store.sessions.find('family', 'claude')?.sessionId).toBe('session-1');
  });
});

describe('an early v1 root, whose groups are not in its database', () => {
  const files = {
    'registered_groups.json': {
      [MAIN.jid]: { name: 'Me', folder: 'main', trigger: '@Andy' },
      [FAMILY.jid]: {
        name: 'Family',
        folder: 'family',
        trigger: '@Andy',
        containerConfig: { timeout: 'soon' },
      },
    },
  };

  it('has its waiting message answered, and its own old answers are not', async () => {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    mkdirSync(paths.data);
    mkdirSync(paths.store);
    const v1 = new BetterSqlite3(paths.database);
    v1.exec(`
      CREATE TABLE messages (id TEXT, chat_jid TEXT, sender TEXT, sender_name TEXT, content TEXT, timestamp TEXT,
        is_from_me INTEGER, PRIMARY KEY (id, chat_jid));
      INSERT INTO messages VALUES ('m1', '${MAIN.jid}', 'x', 'Ann', 'Andy: done', '2025-01-01T00:00:01.000Z', 1),
        ('f1', '${FAMILY.jid}', 'y', 'Ben', '@andy lunch?', '2025-01-01T00:00:02.000Z', 0),
        ('f2', '${FAMILY.jid}', 'y', 'Ben', '@Andybody', '2025-01-01T00:00:03.000Z', 0)`);
    v1.close();
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(paths.data, name), JSON.stringify(content));
    const store = testStore(root);
    await adoptV1Files(store, paths, rememberingLog().log, 0);
    expect(store.messages.waiting()).toEqual([{ chatJid: FAMILY.jid, firstSeq: 2 }]);
    expect(store.messages.lastCall(FAMILY.jid, 3, true)?.id).toBe('f1');
    // What cannot be used of its settings costs no group, and is reported.
    expect(store.groups.find(FAMILY.jid)?.containerConfig).toEqual({});
    expect(store.handWritten.unusable()).toMatchObject([
      { where: 'Family (family)', column: 'container_config' },
    ]);
  });

  it('has each session filed under the agent whose files name it', async () => {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    const store = testStore(root);
    const places = {
      main: '.kimi/sessions/0f3c/7d1f0000-kimi',
      family: '.codex/sessions/2026/01/02/rollout-2026-01-02T00-00-00-7d1f0000-codex.jsonl',
      work: '.claude/projects/-workspace-group/7d1f0000-claude.jsonl',
    };
    for (const [folder, place] of Object.entries(places)) {
      mkdirSync(dirname(join(paths.groupSessions(folder), place)), { recursive: true });
      writeFileSync(join(paths.groupSessions(folder), place), '');
    }
    store.sessions.save('main', 'claude', { sessionId: '7d1f0000-kimi' });
    store.sessions.save('family', 'claude', { sessionId: '7d1f0000-codex' });
    store.sessions.save('work', 'claude', { sessionId: '7d1f0000-claude' });
    store.sessions.save('old', 'claude', { sessionId: '7d1f0000-nowhere' });
    await adoptV1Files(store, paths, rememberingLog().log, 0);
    expect(store.sessions.all().map(({ folder, provider }) => `${folder} ${provider}`)).toEqual([
      'family codex',
      'main kimi',
      'old claude',
      'work claude',
    ]);
  });
});

describe('a MEMORY.md of a v1 checkout', () => {
  function rig() {
    const root = temporaryDirectory();
    const paths = pathsAt(root);
    const store = testStore(root);
    const { log, lines } = rememberingLog();
    const write = (name: string, content: string): void => {
      mkdirSync(dirname(join(paths.groups, name)), { recursive: true });
      writeFileSync(join(paths.groups, name), content);
    };
    const read = (name: string): string => readFileSync(join(paths.groups, name), 'utf8');
    return { paths, lines, write, read, adopt: (into = store) => adoptV1Files(into, paths, log, 0) };
  }

  it('is added to the CLAUDE.md of its group once, and stays', async () => {
    const { write, read, adopt } = rig();
    write('main/CLAUDE.md', '# Main\n');
    write('main/MEMORY.md', '\ufeff# Notes\n\nLikes tea.\n');
    write('global/MEMORY.md', 'Speak German.\n');
    write('family/MEMORY.md', 'One.\n');
    write('family/CLAUDE.md', '# Family\n\nOne.\n');
    await adopt();
    expect(read('main/CLAUDE.md')).toBe('# Main\n\n# Notes\n\nLikes tea.\n');
    expect(read('global/CLAUDE.md')).toBe('Speak German.\n');
    expect(read('family/CLAUDE.md')).toBe('# Family\n\nOne.\n');
    expect(read('main/MEMORY.md')).toContain('Likes tea.');
    write('main/CLAUDE.md', '# Main\n');
    await adopt();
    expect(read('main/CLAUDE.md')).toBe('# Main\n');
  });

  it('is added once although the first try was cut off before it was noted', async () => {
    const { write, read, adopt } = rig();
    write('main/MEMORY.md', 'Likes tea.\n');
    await adopt();
    await adopt(testStore());
    expect(read('main/CLAUDE.md')).toBe('Likes tea.\n');
  });

  it('is not merged where it or the CLAUDE.md is a link, which is logged', async () => {
    const { paths, lines, write, adopt } = rig();
    write('main/notes.md', 'of the host');
    write('family/MEMORY.md', 'Likes tea.');
    symlinkSync(join(paths.groups, 'main/notes.md'), join(paths.groups, 'main/MEMORY.md'));
    symlinkSync(join(paths.groups, 'main/notes.md'), join(paths.groups, 'family/CLAUDE.md'));
    await adopt();
    expect(existsSync(join(paths.groups, 'main/CLAUDE.md'))).toBe(false);
    expect(readFileSync(join(paths.groups, 'main/notes.md'), 'utf8')).toBe('of the host');
    expect(lines.filter(({ msg }) => /was not merged/.test(msg))).toHaveLength(2);
  });
});

describe('the output for an operator', () => {
  it('names the running host and what waits', () => {
    const store = testStore();
    store.groups.add(MAIN, 0);
    store.state.set('line', 'open');
    store.outbox.add({ chatJid: MAIN.jid, message: { kind: 'text', text: 'x' }, source: 'reply' }, 0);
    expect(readStatus(store, null, 0, [], '2.3000.1')).toMatchObject({ hostPid: null, line: 'not running' });
    const use = { runId: 'run', groupFolder: 'main', provider: 'claude', model: 'm', cachedInputTokens: 0 };
    store.usage.add({ ...use, inputTokens: 100, outputTokens: 7 }, DAY);
    store.usage.add({ ...use, inputTokens: 20, outputTokens: 3 }, DAY);
    store.usage.add({ ...use, runId: 'old', inputTokens: 1, outputTokens: 1 }, 0);
    const status = readStatus(store, 4711, DAY + 1, [], '2.3000.1');
    expect(status).toMatchObject({ hostPid: 4711, line: 'open', groups: 1, outbox: { queued: 1 } });
    expect(formatStatus(status, 'Europe/Berlin', DAY)).toMatch(
      /running, process 4711[\s\S]*Outbox {4}1 waiting/,
    );
    expect(formatStatus(status, 'Europe/Berlin', DAY)).toMatch(
      /120 in, 10 out in 24 hours \(main, claude\)$/,
    );
  });

  it('says since when the connection is as it is, what to do, and what is restricted', () => {
    const store = testStore();
    store.state.set('line:since', '2026-01-01T08:00:00.000Z');
    const words = (line: string, pid: number | null = 1): string => {
      store.state.set('line', line);
      return formatStatus(readStatus(store, pid, DAY, [], '2.3000.1'), 'Europe/Berlin', DAY);
    };
    expect(words('connecting: closed')).toMatch(
      /WhatsApp {2}connecting: closed \(since Thu 1 Jan 2026, 09:00:00\)\n +It is tried again by itself/,
    );
    expect(words('unpaired')).toMatch(/\.\/nanoclaw pair/);
    expect(words('open')).not.toMatch(/tried|pair\n/);
    expect(words('open', null)).toMatch(/not running\n +Start it with: npm start/);
    store.state.set('restriction', 'no new chats until Friday');
    expect(words('open')).toMatch(/restricted: no new chats until Friday/);
  });

  it('says for how many hours there has been no connection', () => {
    const store = testStore();
    store.state.set('line:since', '2026-01-01T08:00:00.000Z');
    store.state.set('line', 'connecting: closed');
    const status = readStatus(store, 1, DAY, [], '2.3000.1');
    const words = (at: string) => formatStatus(status, 'Europe/Berlin', Date.parse(at));
    expect(words('2026-01-01T08:59:00.000Z')).not.toMatch(/No connection/);
    expect(words('2026-01-01T11:30:00.000Z')).toMatch(/No connection for 3 h\. .*nanoclaw\.error\.log/);
  });

  it('lists groups and tasks in columns', () => {
    const store = testStore();
    store.groups.add(MAIN, 0);
    store.groups.add({ ...FAMILY, requiresTrigger: false }, 0);
    store.members.replace(FAMILY.jid, [{ jid: MAIN.jid, isAdmin: true }]);
    expect(formatGroups(store)).toMatch(/Family +family +none needed +1 /);
    expect(formatGroups(store)).toMatch(/Main \(main\) +main +@Andy[\s\S]*Family +family +none needed/);
    const task = {
      id: 't1',
      folder: 'main',
      chatJid: MAIN.jid,
      prompt: 'stretch\nwell',
      script: null,
    } as const;
    const when = { scheduleType: 'cron', scheduleValue: '0 9 * * *', contextMode: 'group' } as const;
    store.tasks.add({
      ...task,
      ...when,
      nextRun: '2026-01-01T08:00:00.000Z',
      status: 'active',
      createdAt: '',
    });
    expect(formatTasks(store, 'Europe/Berlin')).toMatch(
      /t1 +main +cron 0 9 \* \* \* +active +Thu 1 Jan 2026, 09:00:00 +stretch$/,
    );
    store.tasks.add({
      ...task,
      ...when,
      id: 't2',
      nextRun: '2026-01-01T07:00:00.000Z',
      status: 'active',
      createdAt: '',
    });
    store.tasks.change('t1', { status: 'paused' });
    expect(formatTasks(store, 'Europe/Berlin')).toMatch(
      /t2 +main .*active +Thu.*\nt1 +main .*paused +– +stretch$/,
    );
    expect(listTasks(store).map(({ id }) => id)).toEqual(['t2', 't1']);
  });
});

it('a list shows no control characters, whatever people call a group', () => {
  const store = testStore();
  store.groups.add({ ...FAMILY, name: 'Fam\u001b]52;c;cm0gLXJm\u0007ily\nmain' }, 0);
  expect(formatGroups(store).split('\n')[1]).toMatch(/^Fam \]52;c;cm0gLXJm ily main /);
});
