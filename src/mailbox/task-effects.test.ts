import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MailboxResult } from '../protocol/host-files.ts';
import type { Task } from '../store/tasks.ts';
import type { Mailbox } from './mailbox.ts';
import { FAMILY_JID, MAIN_JID, Rig, WORK_JID } from './testing/rig.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');
const HOURLY = { prompt: 'look', schedule_type: 'interval', schedule_value: '3600000' };

let rig: Rig;
let mailbox: Mailbox;
let now: number;
beforeEach(async () => {
  rig = await Rig.open();
  now = NOW;
  mailbox = rig.mailbox({ clock: { now: () => now } });
});
afterEach(() => rig.close());

let asked = 0;
async function ask(folder: string, file: Record<string, unknown>): Promise<MailboxResult> {
  asked += 1;
  await rig.drop(folder, { ...file, requestId: `r${asked}` }, 'tasks');
  await mailbox.drain(folder);
  return rig.result(folder, `r${asked}`);
}

const schedule = (folder: string, more: Record<string, unknown> = {}): Promise<MailboxResult> =>
  ask(folder, { type: 'schedule_task', ...HOURLY, ...more });

async function scheduled(folder: string, more: Record<string, unknown> = {}): Promise<Task> {
  const result = await schedule(folder, more);
  const task = result.ok && result.taskId !== undefined ? rig.store.tasks.find(result.taskId) : undefined;
  if (task === undefined) throw new Error(JSON.stringify(result));
  return task;
}

const iso = (instant: number): string => new Date(instant).toISOString();

describe('schedule_task', () => {
  it('creates a task of the writer’s own group and returns its id and next run', async () => {
    const result = await schedule('family', { schedule_type: 'cron', schedule_value: '0 10 * * *' });
    expect(result).toEqual({
      ok: true,
      taskId: expect.any(String),
      nextRun: '2026-03-02T09:00:00.000Z',
      nextRunLocal: 'Mon 2 Mar 2026, 10:00:00',
      nextRunsLocal: ['Mon 2 Mar 2026, 10:00:00', 'Tue 3 Mar 2026, 10:00:00', 'Wed 4 Mar 2026, 10:00:00'],
    });
    expect(rig.store.tasks.all()).toMatchObject([
      { folder: 'family', chatJid: FAMILY_JID, prompt: 'look', contextMode: 'isolated', status: 'active' },
    ]);
  });

  it('appears in the snapshot before it is answered', async () => {
    const task = await scheduled('family');
    const snapshot = await readFile(`${rig.paths.groupIpc('family')}/current_tasks.json`, 'utf8');
    expect(snapshot).toContain(task.id);
  });

  it.each([
    [{ targetJid: WORK_JID }, 'work'],
    [{ groupFolder: 'work', chatJid: MAIN_JID }, 'work'],
    [{ chatJid: WORK_JID }, 'work'],
    [{}, 'main'],
  ])('schedule_task from main with %j creates a task of %s', async (target, folder) => {
    expect(await scheduled('main', target)).toMatchObject({ folder });
  });

  it.each([
    [{ groupFolder: 'work' }, 'Only the main channel'],
    [{ targetJid: WORK_JID }, 'Only the main channel'],
    [{ targetJid: 'nobody@example' }, 'Only the main channel'],
    [{ prompt: ' ' }, 'prompt is empty'],
    [{ schedule_value: 'soon' }, 'is no interval'],
    [{ schedule_type: 'cron', schedule_value: '0 9 * *' }, 'five fields'],
    [{ schedule_type: 'cron', schedule_value: '* * * * * *' }, 'five fields'],
    [{ schedule_type: 'once', schedule_value: '+010000-01-02T00:00:00' }, 'year 9999'],
    [{ schedule_type: 'once', schedule_value: '2020-01-01T00:00:00' }, 'in the past'],
    [{ schedule_type: 'weekly' }, 'schedule_type'],
  ])('schedule_task from a group with %j is refused', async (more, words) => {
    const result = await schedule('family', more);
    expect(result).toEqual({ ok: false, error: expect.stringContaining(words) });
    expect(rig.store.tasks.all()).toEqual([]);
  });

  it('schedule_task from main for a group that is not registered is refused', async () => {
    const result = await schedule('main', { groupFolder: 'nobody' });
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining('No group is registered') });
  });

  it('uses the id that the agent chose, unless it is taken or unsafe', async () => {
    expect((await scheduled('family', { taskId: 'tea' })).id).toBe('tea');
    expect((await scheduled('work', { taskId: 'tea' })).id).not.toBe('tea');
    expect((await scheduled('work', { taskId: '../tea' })).id).not.toContain('/');
    expect(rig.store.tasks.find('tea')).toMatchObject({ folder: 'family' });
  });

  it('accepts the interval that the owner allows', async () => {
    mailbox = rig.mailbox({ limits: { minTaskIntervalMs: 5_000 } });
    expect(await scheduled('family', { schedule_value: '5000' })).toMatchObject({ scheduleValue: '5000' });
    expect(await schedule('family', { schedule_value: '4999' })).toMatchObject({ ok: false });
  });

  it.each(['59999', '31622400001'])(
    'is refused with the limits as numbers for an interval of %s ms',
    async (schedule_value) => {
      expect(await schedule('family', { schedule_value })).toEqual({
        ok: false,
        error: expect.stringContaining('from 60000'),
        intervalLimitsMs: { min: 60_000, max: 31_622_400_000 },
      });
    },
  );

  it('is refused when the group holds its full number of tasks', async () => {
    mailbox = rig.mailbox({ limits: { tasksPerGroup: 1 } });
    await scheduled('family');
    expect(await schedule('family')).toMatchObject({ ok: false, error: expect.stringContaining('Cancel') });
    await scheduled('work');
  });
});

describe('a task', () => {
  it.each(['update_task', 'pause_task', 'resume_task', 'cancel_task', 'run_task'])(
    'a task of another group cannot be reached by %s, with the same error as one that does not exist',
    async (type) => {
      const { id } = await scheduled('work');
      const others = await ask('family', { type, taskId: id, prompt: 'mine now' });
      expect(others).toMatchObject({ ok: false, error: expect.stringContaining('no such task') });
      expect(await ask('family', { type, taskId: 'nothing', prompt: 'p' })).toEqual(others);
      expect(rig.store.tasks.find(id)).toMatchObject({ status: 'active', prompt: 'look' });
      expect(rig.store.runs.queued()).toEqual([]);
    },
  );

  it('is paused, and resumed with a next run from now on', async () => {
    const { id } = await scheduled('family');
    expect(await ask('family', { type: 'pause_task', taskId: id })).toEqual({ ok: true, taskId: id });
    expect(rig.store.tasks.find(id)).toMatchObject({ status: 'paused' });
    now += 10 * 3_600_000;
    expect(await ask('main', { type: 'resume_task', taskId: id })).toMatchObject({
      ok: true,
      nextRun: iso(now + 3_600_000),
    });
    expect(rig.store.tasks.find(id)).toMatchObject({ status: 'active', nextRun: iso(now + 3_600_000) });
  });

  it('is not resumed with a schedule that an operator wrote and that is refused', async () => {
    const { id } = await scheduled('family');
    rig.store.tasks.change(id, { scheduleValue: '1000', status: 'paused' });
    const result = await ask('family', { type: 'resume_task', taskId: id });
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining('from 60000') });
    expect(rig.store.tasks.find(id)).toMatchObject({ status: 'paused' });
  });

  it('may have a new prompt although its schedule is broken', async () => {
    const { id } = await scheduled('family');
    rig.store.tasks.change(id, { scheduleType: 'cron', scheduleValue: 'nonsense' });
    expect(await ask('family', { type: 'update_task', taskId: id, prompt: 'new' })).toMatchObject({
      ok: true,
    });
  });

  it('is not resumed when it was to run once and its time passed during the pause', async () => {
    const { id } = await scheduled('family', {
      schedule_type: 'once',
      schedule_value: '2026-03-02T12:00:00',
    });
    await ask('family', { type: 'pause_task', taskId: id });
    now += 24 * 3_600_000;
    const result = await ask('family', { type: 'resume_task', taskId: id });
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining('in the past') });
    expect(rig.store.tasks.find(id)).toMatchObject({ status: 'paused' });
  });

  it('is neither paused nor resumed when it has run, but becomes active again with a new time', async () => {
    const { id } = await scheduled('family', {
      schedule_type: 'once',
      schedule_value: '2026-03-02T12:00:00',
    });
    rig.store.tasks.change(id, { status: 'completed', nextRun: null });
    expect(await ask('family', { type: 'pause_task', taskId: id })).toMatchObject({ ok: false });
    expect(await ask('family', { type: 'resume_task', taskId: id })).toMatchObject({ ok: false });
    const update = { type: 'update_task', taskId: id, schedule_value: '2026-03-02T13:00:00' };
    expect(await ask('family', update)).toMatchObject({ ok: true, nextRun: '2026-03-02T12:00:00.000Z' });
    expect(rig.store.tasks.find(id)).toMatchObject({ status: 'active' });
  });

  it('is changed, and gets a new next run only when its schedule changes', async () => {
    const { id, nextRun } = await scheduled('family', { script: 'true' });
    now += 60_000;
    await ask('family', { type: 'update_task', taskId: id, prompt: 'look twice', script: '' });
    expect(rig.store.tasks.find(id)).toMatchObject({ prompt: 'look twice', script: null, nextRun });
    await ask('family', { type: 'update_task', taskId: id, schedule_value: '7200000' });
    expect(rig.store.tasks.find(id)).toMatchObject({ nextRun: iso(now + 7_200_000) });
  });

  it.each([
    [{}, 'Nothing to change'],
    [{ prompt: ' ' }, 'prompt is empty'],
    [{ schedule_type: 'cron' }, 'not a cron expression'],
    [{ schedule_value: '1000' }, 'from 60000'],
  ])('stays the same after an update with %j', async (change, words) => {
    const task = await scheduled('family');
    const result = await ask('family', { type: 'update_task', taskId: task.id, ...change });
    expect(result).toMatchObject({ ok: false, error: expect.stringContaining(words) });
    expect(rig.store.tasks.find(task.id)).toEqual(task);
  });

  it('is cancelled', async () => {
    const { id } = await scheduled('family');
    expect(await ask('family', { type: 'cancel_task', taskId: id })).toEqual({ ok: true, taskId: id });
    expect(rig.store.tasks.find(id)).toBeUndefined();
  });

  it('runs now in addition to its schedule, once however often that is asked', async () => {
    const { id, nextRun } = await scheduled('family');
    await ask('family', { type: 'run_task', taskId: id });
    expect(await ask('family', { type: 'run_task', taskId: id })).toMatchObject({ ok: true });
    expect(rig.store.runs.queued()).toMatchObject([
      { taskId: id, folder: 'family', slot: iso(now), attempt: 1 },
    ]);
    expect(rig.store.tasks.find(id)).toMatchObject({ nextRun, status: 'active' });
  });

  it('does not run again when it was run in the same millisecond', async () => {
    const { id } = await scheduled('family');
    await ask('family', { type: 'run_task', taskId: id });
    const [run] = rig.store.runs.queued();
    rig.store.runs.startQueued(run?.id ?? '', now);
    const again = await ask('family', { type: 'run_task', taskId: id });
    expect(again).toMatchObject({ ok: false, error: expect.stringContaining('very instant') });
  });
});

it('a request that changed nothing leaves no effect, so that its run may be tried again', async () => {
  const { id } = await scheduled('family');
  rig.store.runs.startChat(
    { id: 'run', folder: 'family', chatJid: FAMILY_JID, attempt: 1, firstSeq: 1, lastSeq: 1 },
    now,
  );
  await ask('family', { type: 'resume_task', taskId: id });
  await ask('family', { type: 'cancel_task', taskId: 'nothing' });
  expect(rig.store.runs.leftEffects('run')).toBe(false);
  await ask('family', { type: 'pause_task', taskId: id });
  expect(rig.store.runs.leftEffects('run')).toBe(true);
});
