import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULT_LIMITS } from '../../../../../src/mailbox/limits.ts';
import type { TurnInput } from '../../../../../src/protocol/turn.ts';
import { PACKAGE_ROOT } from '../../../../../test/support/sandbox.ts';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { FakeHost } from '../testing/fake-host.ts';
import { toolServer } from '../tool-server.ts';

const BUNDLE = join(PACKAGE_ROOT, 'container', 'agent-runner', 'dist', 'tools.mjs');

const MAIN: TurnInput = {
  prompt: '',
  groupFolder: 'main',
  chatJid: 'self@s.whatsapp.net',
  isMain: true,
  assistantName: 'Andy',
};
const EVERYDAY: TurnInput = { ...MAIN, groupFolder: 'family', chatJid: 'family@g.us', isMain: false };

const newHost = () => new FakeHost(temporaryDirectory());

interface Answer {
  readonly text: string;
  readonly isError: boolean;
}

/** The bundled server, as an agent's program starts it, and a real client. */
async function connect(host: FakeHost, input: TurnInput = MAIN) {
  const { layout } = host;
  const { command, env } = toolServer({
    input,
    layout,
    env: { TZ: 'Europe/Berlin', PATH: process.env.PATH },
  });
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StdioClientTransport({ command, args: [BUNDLE], env: { ...env }, stderr: 'pipe' });
  transport.stderr?.on('data', (chunk: Buffer) => console.error(chunk.toString()));
  await client.connect(transport);
  onTestFinished(() => client.close());
  return {
    tools: async () => (await client.listTools()).tools,
    call: async (name: string, parameters: Record<string, unknown> = {}): Promise<Answer> => {
      const answer = CallToolResultSchema.parse(await client.callTool({ name, arguments: parameters }));
      const text = answer.content.map((part) => (part.type === 'text' ? part.text : part.type)).join('\n');
      return { text, isError: answer.isError === true };
    },
  };
}

const EVERYONE = [
  'cancel_task',
  'list_tasks',
  'pause_task',
  'react',
  'resume_task',
  'run_task',
  'schedule_task',
  'send_file',
  'send_message',
  'update_task',
];
const MAIN_ONLY = ['list_groups', 'refresh_groups', 'register_group', 'unregister_group'];

describe('the tool server', () => {
  it('offers main its tools, and other groups theirs', async () => {
    const names = async (input: TurnInput) =>
      (await (await connect(newHost(), input)).tools()).map(({ name }) => name).sort();
    expect(await names(MAIN)).toEqual([...EVERYONE, ...MAIN_ONLY].sort());
    expect(await names(EVERYDAY)).toEqual(EVERYONE);
  });

  it('explains each tool and parameter to the agent, and shows other chats to main alone', async () => {
    const tools = await (await connect(newHost(), EVERYDAY)).tools();
    for (const { description, inputSchema } of tools) {
      expect(description).toMatch(/\w{3}/);
      expect(Object.keys(inputSchema.properties ?? {})).not.toContain('chatJid');
      expect(Object.keys(inputSchema.properties ?? {})).not.toContain('targetJid');
    }
    const schedule = tools.find(({ name }) => name === 'schedule_task');
    expect(JSON.stringify(schedule)).toMatch(/local time/);
  });

  it('ends when its client disconnects', async () => {
    const host = newHost();
    const { env } = toolServer({ input: MAIN, layout: host.layout, env: {} });
    const running = promisify(execFile)(process.execPath, [BUNDLE], { env: { ...env } });
    running.child.stdin?.end();
    expect((await running).stdout).toBe('');
  });

  it('reports what is wrong with a call, and writes nothing', async () => {
    const host = newHost();
    const { call } = await connect(host);
    expect(await call('send_message', { text: '' })).toMatchObject({ isError: true });
    expect(
      await call('schedule_task', { prompt: 'x', schedule_type: 'daily', schedule_value: '9' }),
    ).toMatchObject({ isError: true, text: expect.stringMatching(/schedule_type/) });
    expect(host.received).toEqual([]);
  });
});

describe('send_message and react', () => {
  it('send to this chat, and main may name another', async () => {
    const host = newHost();
    const { call } = await connect(host);
    expect(await call('send_message', { text: 'hello', sender: 'Researcher' })).toEqual({
      text: 'The host has taken the message and delivers it.',
      isError: false,
    });
    await call('send_message', { text: 'there', chatJid: 'other@g.us' });
    await call('react', { messageId: 'M1', emoji: '👍' });
    expect(host.received).toEqual([
      expect.objectContaining({
        type: 'message',
        chatJid: MAIN.chatJid,
        text: 'hello',
        sender: 'Researcher',
      }),
      expect.objectContaining({ type: 'message', chatJid: 'other@g.us', text: 'there' }),
      expect.objectContaining({ type: 'reaction', chatJid: MAIN.chatJid, messageId: 'M1', emoji: '👍' }),
    ]);
  });

  it('send to another group’s own chat, whatever chat it names', async () => {
    const host = newHost();
    const { call } = await connect(host, EVERYDAY);
    await call('send_message', { text: 'hello', chatJid: 'other@g.us' });
    expect(host.received).toEqual([expect.objectContaining({ chatJid: EVERYDAY.chatJid })]);
  });

  it('return the host’s words when they are refused', async () => {
    const host = newHost();
    host.answer = () => ({ ok: false, error: 'This version sends text only.' });
    const { call } = await connect(host);
    const refusal = { text: 'Refused: This version sends text only.', isError: true };
    expect(await call('react', { messageId: 'M1', emoji: '👍' })).toEqual(refusal);
  });

  it('report why when they cannot be written', async () => {
    const host = newHost();
    const { call } = await connect(host);
    host.leave();
    rmSync(host.layout.messages, { recursive: true });
    const answer = await call('send_message', { text: 'hello' });
    expect(answer).toEqual({ text: expect.stringMatching(/^Not done: .*ENOENT/), isError: true });
  });
});

describe('send_file', () => {
  it('copies the file under a name of its own before the host is asked', async () => {
    const host = newHost();
    const { call } = await connect(host);
    mkdirSync(join(host.layout.group, 'out'));
    writeFileSync(join(host.layout.group, 'out', 'Q1 report.PDF'), 'content');
    const answer = await call('send_file', { path: 'out/Q1 report.PDF', caption: 'here' });
    expect(answer).toEqual({ text: 'The host has taken the file and delivers it.', isError: false });
    const [leaf = ''] = readdirSync(host.layout.files);
    expect(leaf).toMatch(/^[0-9a-f-]{36}\.pdf$/);
    expect(readFileSync(join(host.layout.files, leaf), 'utf8')).toBe('content');
    expect(host.received).toEqual([
      expect.objectContaining({ type: 'file', file: leaf, fileName: 'Q1 report.PDF', caption: 'here' }),
    ]);
  });

  it('accepts a file up to the host’s size limit', async () => {
    const host = newHost();
    const { call } = await connect(host);
    writeFileSync(join(host.layout.group, 'film.mp4'), '');
    truncateSync(join(host.layout.group, 'film.mp4'), DEFAULT_LIMITS.outgoingBytes);
    expect(await call('send_file', { path: 'film.mp4' })).toMatchObject({ isError: false });
  });

  it('removes the copy when the host refuses', async () => {
    const host = newHost();
    host.answer = () => ({ ok: false, error: 'This version sends text only.' });
    const { call } = await connect(host);
    writeFileSync(join(host.layout.group, 'a.txt'), 'content');
    expect(await call('send_file', { path: 'a.txt' })).toEqual({
      text: 'Refused: This version sends text only.',
      isError: true,
    });
    expect(readdirSync(host.layout.files)).toEqual([]);
  });

  it.each([
    ['a file that is not there', 'gone.txt', /cannot be read \(ENOENT\)/],
    ['a directory', '.', /is no plain file/],
    ['a pipe', 'pipe', /is no plain file/],
    ['an empty file', 'empty', /is empty/],
    ['a file that is too large', 'large', /is larger than 100 MiB/],
  ])('refuses %s itself', async (_, path, why) => {
    const host = newHost();
    const { group, files } = host.layout;
    await promisify(execFile)('mkfifo', [join(group, 'pipe')]);
    writeFileSync(join(group, 'empty'), '');
    writeFileSync(join(group, 'large'), '');
    truncateSync(join(group, 'large'), DEFAULT_LIMITS.outgoingBytes + 1);
    const { call } = await connect(host);
    expect(await call('send_file', { path })).toEqual({ text: expect.stringMatching(why), isError: true });
    expect(host.received).toEqual([]);
    expect(readdirSync(files)).toEqual([]);
  });
});

describe('the tools for tasks', () => {
  const DAILY = { prompt: 'water the plants', schedule_type: 'cron', schedule_value: '0 9 * * *' };

  it('create them for this chat, and the answer has the id and the next run in local time', async () => {
    const host = newHost();
    host.answer = () => ({ ok: true, taskId: 'task-7', nextRun: 'x', nextRunLocal: 'Mon 2 Mar 2026, 09:00' });
    const { call } = await connect(host, EVERYDAY);
    host.answer = () => ({
      ok: true,
      taskId: 'task-7',
      nextRunsLocal: ['Mon, 09:00', 'Tue, 09:00', 'Wed, 09:00'],
    });
    expect((await call('update_task', { taskId: 'task-7', schedule_value: '0 9 * * *' })).text).toBe(
      'Task task-7 is changed. Next runs: Mon, 09:00; Tue, 09:00; Wed, 09:00 (local time).',
    );
    host.received.length = 0;
    host.answer = () => ({ ok: true, taskId: 'task-7', nextRun: 'x', nextRunLocal: 'Mon 2 Mar 2026, 09:00' });
    expect((await call('schedule_task', { ...DAILY, context_mode: 'group', script: 'true' })).text).toBe(
      'Task task-7 is set. Next run: Mon 2 Mar 2026, 09:00 (local time).',
    );
    expect(host.received).toEqual([
      {
        type: 'schedule_task',
        ...DAILY,
        context_mode: 'group',
        script: 'true',
        targetJid: EVERYDAY.chatJid,
        requestId: expect.any(String),
      },
    ]);
  });

  it('create them for another group by main, by its jid or its folder', async () => {
    const host = newHost();
    const { call } = await connect(host);
    await call('schedule_task', { ...DAILY, targetJid: 'other@g.us' });
    await call('schedule_task', { ...DAILY, groupFolder: 'other' });
    expect(host.received[0]).toMatchObject({ targetJid: 'other@g.us' });
    expect(host.received[1]).toMatchObject({ groupFolder: 'other' });
    expect(host.received[1]).not.toHaveProperty('targetJid');
  });

  it('return the host’s words when their time is impossible', async () => {
    const host = newHost();
    host.answer = () => ({ ok: false, error: '"9 o’clock" is not a cron expression' });
    const { call } = await connect(host);
    const answer = await call('schedule_task', { ...DAILY, schedule_value: '9 o’clock' });
    expect(answer).toEqual({ text: 'Refused: "9 o’clock" is not a cron expression', isError: true });
  });

  it('change what is given, and nothing else', async () => {
    const host = newHost();
    host.answer = () => ({ ok: true, nextRun: '2026-03-02T08:00:00Z' });
    const { call } = await connect(host);
    expect((await call('update_task', { taskId: 't1', prompt: 'new' })).text).toBe(
      'Task t1 is changed. Next run: 2026-03-02T08:00:00Z.',
    );
    expect(host.received).toEqual([
      { type: 'update_task', taskId: 't1', prompt: 'new', requestId: expect.any(String) },
    ]);
  });

  it.each([
    ['pause_task', 'is paused'],
    ['resume_task', 'runs again'],
    ['cancel_task', 'is cancelled'],
    ['run_task', 'starts'],
  ])('report the result of %s', async (name, said) => {
    const host = newHost();
    const { call } = await connect(host);
    expect((await call(name, { taskId: 't1' })).text).toContain(`Task t1 ${said}`);
    expect(host.received).toEqual([{ type: name, taskId: 't1', requestId: expect.any(String) }]);
  });

  it('list them with their next run in local time', async () => {
    const host = newHost();
    const { call } = await connect(host);
    expect(await call('list_tasks')).toMatchObject({
      isError: true,
      text: expect.stringMatching(/cannot be read/),
    });
    host.shows(host.layout.currentTasks, []);
    expect((await call('list_tasks')).text).toBe('There are no tasks.');
    const task = {
      id: 't1',
      groupFolder: 'main',
      ...DAILY,
      status: 'active',
      next_run: '2026-03-02T08:00:00Z',
    };
    host.shows(host.layout.currentTasks, [
      task,
      { ...task, id: 't2', groupFolder: 'family', status: 'paused', next_run: null, script: 'true' },
      { ...task, id: 't3', schedule_type: 'daily', schedule_value: '9', status: 'paused', next_run: 'soon' },
    ]);
    expect((await call('list_tasks')).text).toBe(
      [
        '- t1: water the plants · cron 0 9 * * * · active · next run Mon 2 Mar, 09:00 (local time)',
        '- t2: water the plants · cron 0 9 * * * · paused · with a script · in the group family',
        '- t3: water the plants · daily 9 · paused',
      ].join('\n'),
    );
  });
});

describe('the tools for groups', () => {
  it('list them', async () => {
    const host = newHost();
    const { call } = await connect(host);
    expect(await call('list_groups')).toMatchObject({ isError: true });
    const group = { jid: '1@g.us', name: 'Family', lastActivity: '', isRegistered: true };
    const groups = [group, { ...group, jid: '2@g.us', name: 'Work', isRegistered: false }];
    host.shows(host.layout.availableGroups, { groups, lastSync: '' });
    expect((await call('list_groups')).text).toBe('- Family · 1@g.us · active\n- Work · 2@g.us');
    const counted = [
      { ...group, members: 3, memberNames: ['Ann', 'Peter'] },
      { ...group, isRegistered: false, members: 7 },
    ];
    host.shows(host.layout.availableGroups, { groups: counted, lastSync: '' });
    expect((await call('list_groups')).text).toBe(
      '- Family · 1@g.us · active · 3 members: Ann, Peter and 1 more\n- Family · 1@g.us · 7 members',
    );
    host.shows(host.layout.availableGroups, { groups: [], lastSync: '' });
    expect((await call('list_groups')).text).toMatch(/No groups are known/);
  });

  it('activate them as asked, and leave the rest to the host', async () => {
    const host = newHost();
    host.answer = () => ({ ok: true, folder: 'work' });
    const { call } = await connect(host);
    const group = { jid: '2@g.us', name: 'Work', folder: 'work' };
    expect((await call('register_group', group)).text).toBe('“Work” is active. Its folder is work.');
    const containerConfig = { timeout: 60_000, additionalMounts: [{ hostPath: '~/notes', readonly: true }] };
    await call('register_group', { ...group, trigger: '@Bot', requiresTrigger: false, containerConfig });
    expect(host.received).toEqual([
      { type: 'register_group', ...group, requestId: expect.any(String) },
      expect.objectContaining({ ...group, trigger: '@Bot', requiresTrigger: false, containerConfig }),
    ]);
  });

  it('unregister them, and refresh the list', async () => {
    const host = newHost();
    const { call } = await connect(host);
    expect((await call('unregister_group', { jid: '2@g.us' })).text).toMatch(/not active there any more/);
    expect((await call('refresh_groups')).text).toMatch(/fresh/);
    expect(host.received.map(({ type }) => type)).toEqual(['unregister_group', 'refresh_groups']);
  });

  it('return the host’s words when a folder is taken already', async () => {
    const host = newHost();
    host.answer = () => ({ ok: false, error: 'The folder "work" is in use.' });
    const { call } = await connect(host);
    expect(await call('register_group', { jid: '2@g.us', name: 'Work', folder: 'work' })).toEqual({
      text: 'Refused: The folder "work" is in use.',
      isError: true,
    });
  });
});
