import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type GroupsSnapshot,
  MailboxResult,
  type TaskSnapshot,
} from '../../../../src/protocol/host-files.ts';
import { type Layout, layoutAt } from '../../../../src/protocol/layout.ts';
import { MessageFile, TaskFile } from '../../../../src/protocol/mailbox.ts';
import { formatPrompt } from '../../../../src/protocol/prompt.ts';
import type { OutputFrame, TurnInput } from '../../../../src/protocol/turn.ts';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { OfflineProvider } from './offline.ts';
import { testTurn } from './test-turn.ts';

type Answer = (file: TaskFile | MessageFile) => MailboxResult | undefined;

/** 14:00 in Berlin. */
const NOW = new Date('2026-03-02T13:00:00Z');

/** Stands in the host's place: takes what is written to the mailbox and answers it. */
class FakeHost {
  readonly layout: Layout;
  readonly received: (TaskFile | MessageFile)[] = [];
  #answer: Answer = () => ({ ok: true });
  #stopped = false;

  private constructor(layout: Layout) {
    this.layout = layout;
  }

  static async start(): Promise<FakeHost> {
    const root = temporaryDirectory();
    const host = new FakeHost(layoutAt(join(root, 'workspace'), join(root, 'home')));
    const { group, messages, tasks, results } = host.layout;
    for (const directory of [group, messages, tasks, results]) await mkdir(directory, { recursive: true });
    const serving = host.#serve();
    onTestFinished(async () => {
      host.#stopped = true;
      await serving;
    });
    return host;
  }

  answers(answer: Answer): void {
    this.#answer = answer;
  }

  offers(
    groups: readonly (Partial<GroupsSnapshot['groups'][number]> & { name: string; jid: string })[],
  ): void {
    const snapshot = {
      groups: groups.map((group) => ({ lastActivity: '', isRegistered: false, ...group })),
      lastSync: '',
    };
    writeFileSync(this.layout.availableGroups, JSON.stringify(snapshot));
  }

  async hasTasks(tasks: readonly (Partial<TaskSnapshot> & { id: string })[]): Promise<void> {
    const full = tasks.map((task) => ({
      groupFolder: 'main',
      prompt: 'Send a reminder: stretch',
      schedule_type: 'interval',
      schedule_value: '300000',
      status: 'active',
      next_run: '2026-03-02T13:05:00Z',
      ...task,
    }));
    await writeFile(this.layout.currentTasks, JSON.stringify(full));
  }

  async #serve(): Promise<void> {
    while (!this.#stopped) {
      for (const directory of [this.layout.messages, this.layout.tasks]) {
        for (const name of await readdir(directory)) {
          if (name.endsWith('.json') && !name.startsWith('.'))
            await this.#take(join(directory, name), directory);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #take(path: string, directory: string): Promise<void> {
    const text = await readFile(path, 'utf8');
    await rm(path);
    const json: unknown = JSON.parse(text);
    const file = directory === this.layout.messages ? MessageFile.parse(json) : TaskFile.parse(json);
    this.received.push(file);
    const result = this.#answer(file);
    if (result === undefined || file.requestId === undefined) return;
    const answer = join(this.layout.results, `${file.requestId}.json`);
    await writeFile(`${answer}.tmp`, JSON.stringify(MailboxResult.parse(result)));
    await rename(`${answer}.tmp`, answer);
  }
}

const INPUT: TurnInput = {
  prompt: '',
  groupFolder: 'main',
  chatJid: 'self@s.whatsapp.net',
  isMain: true,
  assistantName: 'Andy',
};

async function frames(
  host: FakeHost,
  request: string,
  change: Partial<TurnInput> = {},
): Promise<OutputFrame[]> {
  const provider = new OfflineProvider({ now: () => NOW, newSessionId: () => 'session-1' });
  const message = { sender: 'Ann', time: '14:00', id: '1', text: `@Andy ${request}` };
  const prompt = change.isScheduledTask === true ? request : formatPrompt([message], 'Europe/Berlin');
  const input = { ...INPUT, ...change };
  const turn = testTurn({ input, layout: host.layout, prompt, sessionId: change.sessionId });
  const said: OutputFrame[] = [];
  for await (const frame of provider.answer(turn)) said.push(frame);
  return said;
}

async function ask(host: FakeHost, request: string, change?: Partial<TurnInput>): Promise<string> {
  return (await frames(host, request, change)).at(-1)?.result ?? '';
}

const EVERYDAY = { isMain: false, groupFolder: 'family', chatJid: 'family@g.us' };

describe('the offline agent', () => {
  it.each([
    ['ping', 'pong'],
    ['PING!', 'pong'],
    ['pi\u200bng\u2069', 'pong'],
    ['ｐｉｎｇ！', 'pong'],
    ['echo ｐｉｎｇ', 'ｐｉｎｇ'],
    ['echo Hello  <World>', 'Hello  <World>'],
    ['what do you remember?', 'I remember nothing yet. Say "remember …" to change that.'],
    ['what did I say before?', 'This is the first thing that you say to me in this session.'],
    ['what time is it?', 'Mon 2 Mar, 14:00 (Europe/Berlin)'],
    ['flood 10', 'I am the offline agent and only know a few commands. Say "@Andy help" to see them.'],
    ['', 'Yes? I am the offline agent. Say "@Andy help" to see what I can do.'],
  ])('answers %j with %j', async (request, answer) => {
    expect(await ask(await FakeHost.start(), request)).toBe(answer);
  });

  it('reports its session before its answer, and knows what was said in it', async () => {
    const host = await FakeHost.start();
    const [first, second] = await frames(host, 'echo one');
    expect(first).toEqual({ status: 'success', result: null, newSessionId: 'session-1' });
    expect(second).toEqual({ status: 'success', result: 'one', newSessionId: 'session-1' });
    expect(await ask(host, 'what did I say before?', { sessionId: 'session-1' })).toBe(
      'Before this you said: “echo one”',
    );
    expect(await ask(host, 'what did I say before?', { sessionId: 'unknown' })).toMatch(/^This is the first/);
  });

  it('lists its commands, and understands every line of that list', async () => {
    const help = await ask(await FakeHost.start(), 'help');
    expect(help).toMatch(/offline agent/);
    expect(help).toMatch(/• remind me in 10 minutes to TEXT/);
  });

  it('answers although it can write neither its session nor its memory', async () => {
    const host = await FakeHost.start();
    await writeFile(host.layout.home, 'a file where HOME should be');
    await mkdir(join(host.layout.group, 'CLAUDE.md'));
    expect(await ask(host, 'ping')).toBe('pong');
    expect(await ask(host, 'remember tea')).toMatch(/^I could not write that down: /);
  });
});

describe('reminders of the offline agent', () => {
  it.each([
    ['remind me in 3 seconds to stretch', 'once', '2026-03-02T13:00:03.000Z', 'stretch'],
    [
      'Remind me to buy milk at the corner in 10 minutes',
      'once',
      '2026-03-02T13:10:00.000Z',
      'buy milk at the corner',
    ],
    ['remind me at 15:30 to call Bob', 'once', '2026-03-02T15:30:00', 'call Bob'],
    ['remind me to call Bob tomorrow at 9', 'once', '2026-03-03T09:00:00', 'call Bob'],
    ['every 5 minutes look up', 'interval', '300000', 'look up'],
    ['every day at 9:00 to water the plants', 'cron', '0 9 * * *', 'water the plants'],
    ['remind me every monday at 8 of the bins', 'cron', '0 8 * * 1', 'the bins'],
    ['remind me to stretch every 2 hours', 'interval', '7200000', 'stretch'],
  ])('are understood: %s', async (request, schedule_type, schedule_value, what) => {
    const host = await FakeHost.start();
    host.answers(() => ({ ok: true, taskId: 'task-42', nextRunLocal: 'Monday, 15:30' }));
    const answer = await ask(host, request);
    expect(answer).toContain(`I will remind you: ${what}\n`);
    expect(answer).toContain('Monday, 15:30');
    expect(answer).toMatch(/\(Europe\/Berlin\)$/);
    expect(answer).not.toContain('task-42');
    expect(host.received).toEqual([
      expect.objectContaining({
        type: 'schedule_task',
        prompt: `Send a reminder: ${what}`,
        schedule_type,
        schedule_value,
        context_mode: 'group',
        targetJid: INPUT.chatJid,
      }),
    ]);
  });

  it.each(['remind me', 'remind me to', 'every', 'remind me in 5 parsecs to stretch'])(
    '%j is asked back, and the host gets no request',
    async (request) => {
      const host = await FakeHost.start();
      expect(await ask(host, request)).toMatch(/^When, and of what\?/);
      expect(host.received).toEqual([]);
    },
  );

  it('are refused with the reason when their time is impossible', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'remind me at 25:00 to sleep')).toBe('25:00 is not a time of day.');
    expect(host.received).toEqual([]);
  });

  it('are set by the answer to what was asked back', async () => {
    const host = await FakeHost.start();
    host.answers(() => ({ ok: true, nextRunLocal: 'Fri 6 Mar 2026, 18:00:00' }));
    expect(await ask(host, 'remind me on friday to call Bob')).toBe('At what time on Friday 6 March 2026?');
    expect(await ask(host, 'at 18:00', { sessionId: 'session-1' })).toBe(
      'I will remind you: call Bob\nFri 6 Mar 2026, 18:00 (Europe/Berlin)',
    );
    expect(host.received).toEqual([expect.objectContaining({ schedule_value: '2026-03-06T18:00:00' })]);
  });

  it.each([
    ['can you remind me in 10 minutes to stretch', 'stretch', '2026-03-02T13:10:00.000Z'],
    ['set a reminder for tomorrow at 9 to call Bob', 'call Bob', '2026-03-03T09:00:00'],
    ['set a timer for 10 minutes', 'timer', '2026-03-02T13:10:00.000Z'],
    ['set an alarm for 7:30', 'alarm', '2026-03-03T07:30:00'],
    ['wake me at 7', 'wake up', '2026-03-03T07:00:00'],
    ['tomorrow at 9 remind me to call Bob', 'call Bob', '2026-03-03T09:00:00'],
    ['on mondays at 8 take out the bins', 'take out the bins', '0 8 * * 1'],
    ['hey, could you remind me please to call Bob tomorrow at 9?', 'call Bob', '2026-03-03T09:00:00'],
    ["don't forget to remind me tomorrow at 9 to call Bob", 'call Bob', '2026-03-03T09:00:00'],
    ['hey remind me at 9am x', 'x', '2026-03-03T09:00:00'],
    ['i need a reminder to call Bob tomorrow at 9', 'call Bob', '2026-03-03T09:00:00'],
    ['can u remind me tomorrow at 9 to call Bob pls', 'call Bob', '2026-03-03T09:00:00'],
    ['new reminder: dentist tomorrow 9am', 'dentist', '2026-03-03T09:00:00'],
    ['⏰ remind me at 17:00 to call', 'call', '2026-03-02T17:00:00'],
    ['hey andy can you remind me tomorrow at nine to call', 'call', '2026-03-03T09:00:00'],
    ['reminder: call Bob tomorrow at 9', 'call Bob', '2026-03-03T09:00:00'],
    ['set an alarm for 7 every day', 'alarm', '0 7 * * *'],
  ])('are set by other words: %s', async (request, what, schedule_value) => {
    const host = await FakeHost.start();
    expect(await ask(host, request)).toContain(`I will remind you: ${what}\n`);
    expect(host.received).toEqual([expect.objectContaining({ schedule_value })]);
  });

  it.each(['thanks', 'nothing, never mind', 'ok', 'hello'])(
    'are not set with an answer that says nothing of what: %s',
    async (answer) => {
      const host = await FakeHost.start();
      await ask(host, 'remind me tomorrow at 9');
      await ask(host, answer, { sessionId: 'session-1' });
      expect(host.received).toEqual([]);
    },
  );

  it('are left as they are by the correction of a question about another one', async () => {
    const host = await FakeHost.start();
    const inSession = { sessionId: 'session-1' };
    host.answers(() => ({ ok: true, taskId: 'task-1' }));
    await ask(host, 'remind me tomorrow at 9 to call Bob');
    await host.hasTasks([{ id: 'task-1', schedule_type: 'once', schedule_value: '2026-03-03T09:00:00' }]);
    await ask(host, 'remind me on friday to water the plants', inSession);
    expect(await ask(host, 'no, saturday', inSession)).toBe('At what time on Saturday 7 March 2026?');
    expect(await ask(host, 'no, whenever', inSession)).toMatch(/^I am the offline agent/);
    expect(host.received).toHaveLength(1);
  });

  it('are set to repeat daily by the time of day that was given as an answer', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'every day drink')).toMatch(/^At what time\?/);
    await ask(host, '9', { sessionId: 'session-1' });
    expect(host.received).toEqual([expect.objectContaining({ schedule_value: '0 9 * * *' })]);
  });

  it('are asked about by the date where it could be two', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'remind me on 5/12 at 9 to call Bob')).toMatch(
      /^5\/12: is that 5 December or 12 May\?/,
    );
  });

  it('are not set by "remember to", and the answer says so', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'remember to call Bob tomorrow at 9')).toMatch(/This sets no reminder/);
    expect(host.received).toEqual([]);
  });

  it('are set by an answer to a question about a polite request', async () => {
    const host = await FakeHost.start();
    await ask(host, 'hey, i want you to remind me tomorrow to call Bob');
    expect(await ask(host, '9', { sessionId: 'session-1' })).toContain('I will remind you: call Bob\n');
  });

  it('are set by the answer that says of what', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'remind me tomorrow at 9')).toBe('Of what?');
    expect(await ask(host, 'to call Bob at the office', { sessionId: 'session-1' })).toContain(
      'I will remind you: call Bob at the office\n',
    );
    expect(host.received).toEqual([expect.objectContaining({ schedule_value: '2026-03-03T09:00:00' })]);
  });

  it.each(['no, at 17:00', 'no, tomorrow at 9'])(
    'go on repeating when they are corrected by "%s"',
    async (correction) => {
      const host = await FakeHost.start();
      host.answers(() => ({ ok: true, taskId: 'task-1' }));
      await ask(host, 'every 2 hours stretch');
      await host.hasTasks([{ id: 'task-1', schedule_type: 'interval', schedule_value: '7200000' }]);
      expect(await ask(host, correction, { sessionId: 'session-1' })).toMatch(
        /^That one repeats \(every 2 hours\)/,
      );
      expect(host.received).toHaveLength(1);
    },
  );

  it('are set by a question and its answer that come in one turn', async () => {
    const host = await FakeHost.start();
    const texts = ['@Andy remind me to call Bob', '@Andy tomorrow at 9'];
    const prompt = formatPrompt(
      texts.map((text, index) => ({ sender: 'Ann', time: '14:00', id: String(index), text })),
      'Europe/Berlin',
    );
    const provider = new OfflineProvider({ now: () => NOW, newSessionId: () => 'session-1' });
    const said: (string | null)[] = [];
    for await (const { result } of provider.answer(testTurn({ input: INPUT, layout: host.layout, prompt })))
      said.push(result ?? null);
    expect(said.at(-1)).toContain('I will remind you: call Bob');
  });

  it.each([
    'erinnere mich morgen um 9 an Bob',
    'remid me at 17:00 to call',
    'would you mind reminding me at 9am to call',
  ])('are said not to be set where they are not understood: %s', async (request) => {
    expect(await ask(await FakeHost.start(), request)).toMatch(
      /^I did not understand that, and have set nothing\./,
    );
  });

  it('are set by the last of several answers', async () => {
    const host = await FakeHost.start();
    const inSession = { sessionId: 'session-1' };
    expect(await ask(host, 'remind me to call Bob')).toMatch(/^When\?/);
    expect(await ask(host, 'tomorrow at 5', inSession)).toBe('Do you mean 05:00 or 17:00?');
    expect(await ask(host, '17:00', inSession)).toContain('I will remind you: call Bob');
    expect(host.received).toEqual([expect.objectContaining({ schedule_value: '2026-03-03T17:00:00' })]);
    expect(await ask(host, '18:00', inSession)).toMatch(/^I am the offline agent/);
    expect(host.received).toHaveLength(1);
  });

  it.each(['wake me up tomorrow', 'set an alarm for tomorrow', 'remind me to call Bob tomorrow'])(
    'are not set without a time of day: %s',
    async (request) => {
      const host = await FakeHost.start();
      expect(await ask(host, request)).toBe('At what time tomorrow?');
      expect(host.received).toEqual([]);
      await ask(host, 'at 7', { sessionId: 'session-1' });
      expect(host.received).toEqual([expect.objectContaining({ schedule_value: '2026-03-03T07:00:00' })]);
    },
  );

  it.each([
    ['every 10 seconds look up', 'That is too often: every minute at most.'],
    ['every 500 days look up', 'That is too seldom: every 366 days at least.'],
  ])('are refused in words when the host takes no such interval: %s', async (request, answer) => {
    const host = await FakeHost.start();
    const intervalLimitsMs = { min: 60_000, max: 31_622_400_000 };
    host.answers(() => ({ ok: false, error: 'for agents', intervalLimitsMs }));
    expect(await ask(host, request)).toBe(answer);
  });

  it.each([
    ['tomorrow at 9', 'no, at 10', '2026-03-03T10:00:00'],
    ['tomorrow at 9', 'make it 6pm', '2026-03-03T18:00:00'],
    ['tomorrow at 9', 'no, make that 18:30 please', '2026-03-03T18:30:00'],
    ['at 18:00', 'no, tomorrow', '2026-03-03T18:00:00'],
    ['at 18:00', 'sorry, on friday at 9', '2026-03-06T09:00:00'],
    ['at 18:00', 'move it to friday', '2026-03-06T18:00:00'],
    ['at 18:00', 'actually in 2 hours', '2026-03-02T15:00:00.000Z'],
    ['every monday at 9', 'change it to 10', '0 10 * * 1'],
    ['every monday at 9', 'no, every tuesday at 9', '0 9 * * 2'],
  ])('set %s are changed by "%s"', async (when, correction, schedule_value) => {
    const host = await FakeHost.start();
    host.answers(() => ({ ok: true, taskId: 'task-1', nextRunLocal: 'soon' }));
    await ask(host, `remind me ${when} to call Bob`);
    const [first] = host.received;
    const { schedule_type, schedule_value: value } = first as TaskFile & { type: 'schedule_task' };
    const next_run = when === 'at 18:00' ? '2026-03-02T17:00:00Z' : '2026-03-03T08:00:00Z';
    const prompt = 'Send a reminder: call Bob';
    await host.hasTasks([{ id: 'task-1', prompt, schedule_type, schedule_value: value, next_run }]);
    const answer = await ask(host, correction, { sessionId: 'session-1' });
    expect(answer).toMatch(/^Changed: call Bob\n.*soon/);
    expect(host.received.slice(1)).toEqual([
      expect.objectContaining({ type: 'update_task', taskId: 'task-1', schedule_value }),
    ]);
  });

  it('are changed by the answer to a question about the change', async () => {
    const host = await FakeHost.start();
    const inSession = { sessionId: 'session-1' };
    host.answers(() => ({ ok: true, taskId: 'task-1' }));
    await ask(host, 'remind me tomorrow at 9 to call Bob');
    const task = {
      schedule_type: 'once',
      schedule_value: '2026-03-03T09:00:00',
      next_run: '2026-03-03T08:00:00Z',
    };
    await host.hasTasks([{ id: 'task-1', prompt: 'Send a reminder: call Bob', ...task }]);
    expect(await ask(host, 'no, at 5', inSession)).toBe('Do you mean 05:00 or 17:00?');
    expect(await ask(host, 'pm', inSession)).toMatch(/^Changed: call Bob/);
    expect(host.received.slice(1)).toEqual([
      expect.objectContaining({ type: 'update_task', schedule_value: '2026-03-03T17:00:00' }),
    ]);
  });

  it('say that they move when the clocks change, if they repeat each few days', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'every 3 days water the plants')).toMatch(
      /clocks change, this moves by an hour\.$/,
    );
    expect(await ask(host, 'every 3 hours water the plants')).not.toMatch(/clocks/);
  });

  it('are refused in the host’s words when the host refuses', async () => {
    const host = await FakeHost.start();
    host.answers(() => ({ ok: false, error: 'that time has passed' }));
    expect(await ask(host, 'remind me in 1 second to x')).toBe('The host refused: that time has passed');
  });

  it('are sent when they are due', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'Send a reminder: stretch', { isScheduledTask: true })).toBe('Reminder: stretch');
    expect(await ask(host, 'water the plants', { isScheduledTask: true })).toBe('Reminder: water the plants');
    expect(await ask(host, 'ping', { isScheduledTask: true })).toBe('pong');
  });

  it('cannot set reminders themselves when they are due', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'every 5 minutes look up', { isScheduledTask: true })).toMatch(/^Reminder: every/);
    expect(host.received).toEqual([]);
  });
});

describe('tasks of the offline agent', () => {
  const id = (last: string): string => `01a1b2c3-0000-7000-8000-00000000000${last}`;
  const tasks = [
    { id: id('1'), prompt: 'Send a reminder: stretch' },
    {
      id: id('2'),
      prompt: 'Send a reminder: call the dentist',
      schedule_type: 'cron',
      schedule_value: '0 9 * * *',
      next_run: '2026-03-03T08:00:00Z',
    },
    { id: id('3'), prompt: 'Tidy up', groupFolder: 'family', chatName: 'Family 🏡' },
    { id: id('4'), prompt: 'Send a reminder: hi', status: 'paused' },
  ];

  it('are listed with a number, without their ids, and without a next run where they are paused', async () => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    expect(await ask(host, 'list tasks')).toBe(
      [
        '1. stretch · every 5 minutes · next Mon 2 Mar, 14:05',
        '2. call the dentist · every day at 09:00 · next Tue 3 Mar, 09:00',
        '3. Tidy up · every 5 minutes · next Mon 2 Mar, 14:05 · in Family 🏡',
        '4. hi · every 5 minutes · paused',
      ].join('\n'),
    );
  });

  it.each([
    'tasks',
    'my reminders',
    'What are my reminders?',
    'what reminders do I have?',
    'show me all tasks',
    'which tasks are there?',
  ])('are listed by other words: %s', async (request) => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    expect(await ask(host, request)).toMatch(/^1\. stretch · /);
  });

  it.each([
    ['pause 2', 'pause_task', '2', 'Paused: call the dentist'],
    ['resume hi', 'resume_task', '4', 'Resumed: hi, next soon (Europe/Berlin)'],
    ['cancel hi', 'cancel_task', '4', 'Cancelled: hi'],
    ['cancel the first', 'cancel_task', '1', 'Cancelled: stretch'],
    ['cancel the last one', 'cancel_task', '4', 'Cancelled: hi'],
    ['cancel #3', 'cancel_task', '3', 'Cancelled: Tidy up'],
    ['delete the reminder to call the dentist.', 'cancel_task', '2', 'Cancelled: call the dentist'],
    ['Cancel dentist', 'cancel_task', '2', 'Cancelled: call the dentist'],
    ['please cancel number 3, thanks', 'cancel_task', '3', 'Cancelled: Tidy up'],
    ['can you pause the 2nd please', 'pause_task', '2', 'Paused: call the dentist'],
    ['cancel "stretch"', 'cancel_task', '1', 'Cancelled: stretch'],
    [`cancel ${id('1')}`, 'cancel_task', '1', 'Cancelled: stretch'],
  ])('are changed by what people call them: %s', async (request, type, which, answer) => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    host.answers(() => ({ ok: true, nextRunLocal: 'soon' }));
    expect(await ask(host, request)).toBe(answer);
    expect(host.received).toEqual([expect.objectContaining({ type, taskId: id(which) })]);
  });

  it('are "it" when they were spoken of last', async () => {
    const host = await FakeHost.start();
    host.answers(() => ({ ok: true, taskId: id('2') }));
    await ask(host, 'every day at 9:00 call the dentist');
    await host.hasTasks(tasks);
    expect(await ask(host, 'cancel it', { sessionId: 'session-1' })).toBe('Cancelled: call the dentist');
    expect(host.received.at(-1)).toMatchObject({ type: 'cancel_task', taskId: id('2') });
  });

  it.each([
    ['stop 1', ['1']],
    ['cancel 1 and 2', ['1', '2']],
    ['cancel 1, 2 & 4', ['1', '2', '4']],
    ['delete the first and the last', ['1', '4']],
    ['cancel stretch and hi', ['1', '4']],
    ['cancel all', ['1', '2', '4']],
    ['delete all my reminders please', ['1', '2', '4']],
  ])('are cancelled together, and those of other chats stay: %s', async (request, which) => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    await ask(host, request);
    expect(host.received).toEqual(
      which.map((last) => expect.objectContaining({ type: 'cancel_task', taskId: id(last) })),
    );
  });

  it.each([
    ['the first one', ['1']],
    ['the second', ['2']],
    ['2', ['2']],
    ['1 and 2', ['1', '2']],
    ['all', ['1', '2', '4']],
  ])('are changed by the answer to the question which one: %s', async (answer, which) => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    expect(await ask(host, 'pause')).toMatch(/^Which one/);
    await ask(host, answer, { sessionId: 'session-1' });
    expect(host.received).toEqual(
      which.map((last) => expect.objectContaining({ type: 'pause_task', taskId: id(last) })),
    );
  });

  it('are no longer asked for once something else was said', async () => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    const inSession = { sessionId: 'session-1' };
    await ask(host, 'cancel');
    await ask(host, 'ping', inSession);
    expect(await ask(host, 'the second', inSession)).toMatch(/^I am the offline agent/);
    expect(host.received).toEqual([]);
  });

  it('keep the numbers of the list that was shown, whatever has run since', async () => {
    const host = await FakeHost.start();
    await host.hasTasks(tasks);
    await ask(host, 'list tasks');
    await host.hasTasks(tasks.slice(1));
    expect(await ask(host, 'cancel 2', { sessionId: 'session-1' })).toBe('Cancelled: call the dentist');
    expect(await ask(host, 'cancel 1', { sessionId: 'session-1' })).toMatch(/^I know no task called “1”/);
    await ask(host, 'list tasks', { sessionId: 'session-1' });
    await host.hasTasks(tasks.slice(1, 3));
    expect(await ask(host, 'cancel the last', { sessionId: 'session-1' })).toBe('Cancelled: Tidy up');
  });

  it.each(['cancel', 'cancel it', 'cancel nope', 'pause 9', 'cancel t', 'cancel both', 'cancel 1 and 9'])(
    'are listed, and none is changed, where it is not clear which one is meant: %s',
    async (request) => {
      const host = await FakeHost.start();
      await host.hasTasks(tasks);
      const answer = await ask(host, request);
      expect(answer).toMatch(/^(?:Which one\?|I know no task called)/);
      expect(answer).toContain('1. stretch');
      expect(answer).not.toMatch(/[0-9a-f]{8}-/);
      expect(host.received).toEqual([]);
    },
  );

  it('are reported as none, or as unknown without a list', async () => {
    const host = await FakeHost.start();
    expect(await ask(host, 'list tasks')).toBe('I cannot see the list of tasks.');
    await host.hasTasks([]);
    expect(await ask(host, 'list tasks')).toBe('There are no tasks.');
    expect(await ask(host, 'cancel it')).toBe('There are no tasks.');
  });
});

describe('groups of the offline agent', () => {
  const groups = [
    { name: 'Family', jid: '1@g.us', isRegistered: true },
    { name: 'Fußball & Söhne', jid: '2@g.us' },
    { name: 'Work', jid: '3@g.us' },
    { name: 'Work 2', jid: '4@g.us' },
    { name: '家族', jid: '5@g.us' },
  ];

  it('are listed with those that are active', async () => {
    const host = await FakeHost.start();
    host.offers(groups);
    expect(await ask(host, 'groups')).toMatch(/^• Family \(active\)\n• Fußball & Söhne\n/);
    expect(await ask(host, 'groups', EVERYDAY)).toBe('Only the main chat can see the groups.');
  });

  it.each([
    ['activate \u2068ＷＯＲＫ\u2069', { jid: '3@g.us', name: 'Work', folder: 'work' }],
    ['activate Work', { jid: '3@g.us', name: 'Work', folder: 'work' }],
    ['activate the group Work please', { jid: '3@g.us', name: 'Work', folder: 'work' }],
    ['can you activate Work?', { jid: '3@g.us', name: 'Work', folder: 'work' }],
    ['activate the work group, thanks!', { jid: '3@g.us', name: 'Work', folder: 'work' }],
    ['activate "fußball', { jid: '2@g.us', name: 'Fußball & Söhne', folder: 'fu-ball-sohne' }],
    ['activate 家族', { jid: '5@g.us', name: '家族', folder: expect.stringMatching(/^group-[0-9a-f]{6}$/) }],
  ])('are activated by name: %s', async (request, group) => {
    const host = await FakeHost.start();
    host.offers(groups);
    expect(await ask(host, request)).toMatch(/ is active\. Call me there with @Andy\.$/);
    expect(host.received).toEqual([
      expect.objectContaining({ type: 'register_group', trigger: '@Andy', ...group }),
    ]);
  });

  const likeNames = [
    { name: 'The Boys', jid: '11@g.us' },
    { name: 'Party', jid: '12@g.us' },
    { name: 'Party!', jid: '13@g.us' },
    { name: 'Team 7', jid: '14@g.us' },
    { name: '007', jid: '15@g.us' },
    { name: 'The "Best" of us', jid: '16@g.us' },
    { name: 'Twins', jid: '17@g.us', members: 3, lastActivity: '2026-03-01T12:00:00Z' },
    { name: 'Twins', jid: '18@g.us', members: 5 },
    { name: 'Project: moon', jid: '19@g.us' },
    { name: 'Project', jid: '20@g.us' },
  ];

  it.each([
    ['activate The Boys', '11@g.us'],
    ['activate the boys.', '11@g.us'],
    ['activate Boys', undefined],
    ['activate Party', '12@g.us'],
    ['activate Party!', '13@g.us'],
    ['activate "Party!"', '13@g.us'],
    ['activate Team 7', '14@g.us'],
    ["activate 'Team 7'", '14@g.us'],
    ['activate the group “Team 7”.', '14@g.us'],
    ['activate 007', '15@g.us'],
    ['activate The "Best" of us', '16@g.us'],
    ['activate 18@g.us', '18@g.us'],
  ])('are told apart by their whole name, or by their id: %s', async (request, jid) => {
    const host = await FakeHost.start();
    host.offers(likeNames);
    await ask(host, request);
    const registered = host.received.find(({ type }) => type === 'register_group');
    expect(registered).toEqual(jid === undefined ? undefined : expect.objectContaining({ jid }));
  });

  it('are listed with what tells them apart where two have one name', async () => {
    const host = await FakeHost.start();
    host.offers(likeNames);
    expect(await ask(host, 'activate twins')).toBe(
      [
        'Which one? Say "activate" and what ends in @g.us.',
        '• Twins: 3 members · last message Sun 1 Mar, 13:00 · 17@g.us',
        '• Twins: 5 members · 18@g.us',
      ].join('\n'),
    );
    expect(await ask(host, 'groups')).toContain('• Twins: 5 members · 18@g.us');
    expect(host.received).toEqual([]);
  });

  it('get a message whose group has a colon in its name', async () => {
    const host = await FakeHost.start();
    host.offers(likeNames);
    expect(await ask(host, 'say to Project: moon: we fly')).toBe('Said to “Project: moon”.');
    expect(await ask(host, 'say to Project: moon landing')).toBe('Said to “Project”.');
    expect(host.received).toMatchObject([
      { chatJid: '19@g.us', text: 'we fly' },
      { chatJid: '20@g.us', text: 'moon landing' },
    ]);
  });

  it('get another folder when theirs is taken', async () => {
    const host = await FakeHost.start();
    host.offers(groups);
    const error = 'the folder "work" is in use';
    host.answers((file) =>
      'folder' in file && file.folder === 'work' ? { ok: false, error } : { ok: true },
    );
    expect(await ask(host, 'activate work')).toMatch(/is active/);
    expect(host.received.at(-1)).toMatchObject({ folder: expect.stringMatching(/^work-[0-9a-f]{6}$/) });
  });

  it('are found after a refresh when they are new', async () => {
    const host = await FakeHost.start();
    host.offers([]);
    // The host answers a refresh when the list is written.
    host.answers((file) => {
      if (file.type === 'refresh_groups') host.offers([{ name: 'New', jid: '9@g.us' }]);
      return { ok: true };
    });
    expect(await ask(host, 'activate new')).toMatch(/^“New” is active/);
    expect(await ask(host, 'activate nothing')).toMatch(/^I know no group called “nothing”/);
    expect(host.received.map(({ type }) => type)).toEqual([
      'refresh_groups',
      'register_group',
      'refresh_groups',
    ]);
  });

  it('are not activated twice, by a vague name, or from another group', async () => {
    const host = await FakeHost.start();
    host.offers(groups);
    expect(await ask(host, 'activate family')).toMatch(/already active/);
    expect(await ask(host, 'activate wor')).toBe('Which one? “Work”, “Work 2”');
    expect(await ask(host, 'activate Work', EVERYDAY)).toBe('Groups are activated from the main chat.');
    expect(host.received).toEqual([]);
  });

  it('get a message from main, by name', async () => {
    const host = await FakeHost.start();
    host.offers(groups);
    expect(await ask(host, 'say to Work: lunch: at 12?')).toBe('Said to “Work”.');
    expect(host.received).toEqual([
      expect.objectContaining({ type: 'message', chatJid: '3@g.us', text: 'lunch: at 12?' }),
    ]);
  });

  it('get a message from another group only as far as the host allows, and the answer says so', async () => {
    const host = await FakeHost.start();
    host.offers([]);
    host.answers(() => ({ ok: false, error: 'only the main chat may write to other chats' }));
    expect(await ask(host, 'say to Work: hi', EVERYDAY)).toBe(
      'The host refused: only the main chat may write to other chats',
    );
  });
});

describe('a host that does not answer', () => {
  it('cannot be asked when the mailbox is missing', async () => {
    const root = temporaryDirectory();
    const layout = layoutAt(join(root, 'workspace'), join(root, 'home'));
    const host = { layout } as FakeHost;
    const answer = await ask(host, 'remind me in 5 minutes to x');
    expect(answer).toBe('I could not ask the host: ENOENT: no such file or directory');
  });
});
