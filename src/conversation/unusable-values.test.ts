import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rememberingLog } from '../../test/support/silent-log.ts';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { FAMILY, MAIN, testStore, testTask } from '../../test/support/test-store.ts';
import { wordsOf } from '../channel/channel.ts';
import { formatGroups, formatTasks } from '../operations/lists.ts';
import { reportUnusable } from './unusable-values.ts';

function rig() {
  const directory = temporaryDirectory();
  const store = testStore(directory);
  store.groups.add(MAIN, 0);
  store.groups.add(FAMILY, 0);
  store.tasks.add(testTask());
  const { log, lines } = rememberingLog();
  const sqlite = new BetterSqlite3(join(directory, 'store', 'messages.db'));
  onTestFinished(() => void sqlite.close());
  const report = () => {
    reportUnusable({ store, clock: { now: () => 0 }, log });
    return store.outbox.heads().map(({ message, seq }) => {
      store.outbox.settle(seq, 'sent', 0);
      return wordsOf(message);
    });
  };
  report();
  return { store, lines, report, change: (sql: string) => void sqlite.exec(sql) };
}

const config = (json: string) =>
  `UPDATE registered_groups SET container_config = '${json}' WHERE folder = 'family'`;
const group = (what: string) => `UPDATE registered_groups SET ${what} WHERE folder = 'family'`;

describe('a value that an operator wrote and that cannot be used', () => {
  it.each([
    [
      'broken JSON as container_config',
      config('{"timeout":60000'),
      /Family \(family\): container_config .*no JSON/,
    ],
    ['a list as container_config', config('[]'), /container_config .*no JSON object/],
    ['a wrong type in container_config', config('{"timeout":"soon"}'), /container_config .*timeout: /],
    ['an unknown agent', config('{"provider":"claud"}'), /container_config .*provider: .*counts as not set/],
    ['an unknown network', config('{"network":"public"}'), /container_config .*the network is closed/],
    ['an empty trigger', group("trigger_pattern = ' '"), /trigger_pattern .*like @Andy/],
    ['a trigger that is no text', group("trigger_pattern = x'00ff'"), /trigger_pattern .*like @Andy/],
    ['a word as requires_trigger', group("requires_trigger = 'no'"), /requires_trigger .*0 or 1/],
    [
      "a name that cannot be a group's folder",
      group("folder = 'Family Stuff'"),
      /folder cannot be used: .*wait/,
    ],
    ['a folder that is no text', group("folder = x'00ff'"), /folder cannot be used: .*wait/],
    ['no address', group('jid = NULL'), /jid cannot be used/],
    ['a task without an id', 'UPDATE scheduled_tasks SET id = NULL', /the task "x": id .*not there/],
    ['a chat of another channel', group("jid = 'tg:123'"), /"tg:123" is a chat of another channel/],
    [
      'an unknown kind of schedule',
      "UPDATE scheduled_tasks SET schedule_type = 'weekly'",
      /task t: schedule_type/,
    ],
    [
      'an unknown context',
      "UPDATE scheduled_tasks SET context_mode = 'grup'",
      /task t: context_mode .*isolated/,
    ],
    ['an unknown status', "UPDATE scheduled_tasks SET status = 'actve'", /task t: status .*does not run/],
  ])('is reported to the log and to main once: %s', (_, sql, words) => {
    const { store, lines, report, change } = rig();
    change(sql);
    expect(report()).toEqual([expect.stringMatching(words)]);
    expect(lines.map(({ msg }) => msg)).toEqual([expect.stringMatching(words)]);
    change("UPDATE chats SET name = 'x'; UPDATE router_state SET value = value");
    expect(report()).toEqual([]);
    expect(store.groups.all()).toHaveLength(2);
  });

  it('is reported again when it was fixed in between', () => {
    const { report, change } = rig();
    for (const expected of [1, 1]) {
      change(config('{"timeout":"soon"}'));
      expect(report()).toHaveLength(expected);
      change(config('{}'));
      expect(report()).toEqual([]);
    }
  });

  it('is read as a text where its bytes are one, as readfile() of sqlite3 stores them', () => {
    const { store, change } = rig();
    change(
      "UPDATE scheduled_tasks SET prompt = CAST('say it' AS BLOB), script = x'00ff', last_result = x'31'",
    );
    change(group("name = CAST('Home' AS BLOB)"));
    expect(store.tasks.all()).toMatchObject([{ prompt: 'say it', lastResult: '1' }]);
    expect(formatTasks(store, 'UTC')).toContain('say it');
    expect(formatGroups(store)).toContain('Home');
  });

  it('makes a task that cannot be found by its id never due, and the rest stays as it is', () => {
    const { store, change } = rig();
    store.tasks.add(testTask({ id: 'other' }));
    change("UPDATE scheduled_tasks SET id = NULL, next_run = '2025-01-01' WHERE id = 't'");
    expect(store.tasks.due(Date.UTC(2027, 0)).map(({ id }) => id)).toEqual(['other']);
    expect(store.tasks.nextDue()).toBe(Date.parse('2026-01-01T09:00:00.000Z'));
    expect(formatTasks(store, 'UTC')).toContain('other');
  });

  it('closes the network where it may have been meant to, and costs nothing else', () => {
    const { store, change } = rig();
    change(config('{"network":"public","model":"m","timeout":-1}'));
    expect(store.groups.inFolder('family')?.containerConfig).toEqual({ network: 'none', model: 'm' });
    change(config('{ half'));
    expect(store.groups.inFolder('family')?.containerConfig).toEqual({ network: 'none' });
  });
});
