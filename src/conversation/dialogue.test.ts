import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { answer, call, controlledTurns } from '../../test/support/controlled-turns.ts';
import { FAMILY, MAIN, newMessage, testStore } from '../../test/support/test-store.ts';
import { SECOND } from '../clock.ts';
import type { Store } from '../store/store.ts';

describe('a follow-up', () => {
  it('reaches the running sandbox, with the messages before it', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1', '@Andy first');
    await started(1);
    store.messages.add(newMessage({ id: '2', text: 'by the way' }));
    call(store, '3', '@Andy and this');
    const [file = ''] = await given(1);
    expect(file).toMatch(/^\d+-[\w-]+\.json$/);
    const text = agent.input.get(file) ?? '';
    expect(text).toContain('by the way');
    expect(text).toContain('and this');
    expect(text).not.toContain('first');
    expect(agent.requests).toHaveLength(1);
  });

  it('says how many messages before it are left out, as the prompt does', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    const chat = (count: number, prefix: string): void =>
      store.transaction(() => {
        for (let n = 0; n < count; n++) store.messages.add(newMessage({ id: `${prefix}${n}`, text: 'chat' }));
      });
    chat(9_990, 'a');
    store.messages.add(newMessage({ id: 'deleted' }));
    store.messages.erase(MAIN.jid, 'deleted', 9_991, 0);
    call(store, '1', '@Andy first');
    await started(1);
    expect(agent.requests[0]?.prompt).toContain('<messages earlier_left_out="9890">');
    chat(150, 'b');
    call(store, '2', '@Andy second');
    const [file = ''] = await given(1);
    expect(agent.input.get(file)).toContain('<messages earlier_left_out="50">');
  });

  it('a message that does not trigger the assistant is not a follow-up and waits', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    await started(1);
    store.messages.add(newMessage({ id: '2', text: 'just chatting' }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.input.size).toBe(0);
  });

  it('counts as answered by the answer after it was taken, not before', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    await act.say(answer('to the first'));
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    expect(agent.finished).toBe(0);
    agent.input.delete(file);
    await act.say(answer('to both'));
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
    expect(agent.finished).toBe(1);
    act.end();
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    expect(agent.requests).toHaveLength(1);
  });

  it('is not answered by an answer that was on its way when it was taken', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    agent.input.delete(file);
    await act.say({ ...answer('to the first'), followUps: 0 });
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    await act.say({ ...answer('to the second'), followUps: 1 });
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
  });

  it('becomes the next turn when it was not taken before the sandbox ended', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2', '@Andy second');
    await given(1);
    await act.say(answer('to the first'));
    act.end();
    await started(2);
    expect(agent.requests[1]?.prompt).toContain('second');
    expect(agent.requests[1]?.prompt).not.toContain('hi');
  });

  it('is closed with the turn that took it, when that had effects and then failed', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    await act.say(answer('to the first'));
    agent.input.delete(file);
    act.end({ reason: 'exited', exitCode: 1, error: 'broke' });
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(2));
    expect(agent.requests).toHaveLength(1);
  });

  it('is not given to a sandbox that was asked to finish', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    await act.say(answer('done'));
    expect(agent.finished).toBe(1);
    call(store, '2', '@Andy second');
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.input.size).toBe(0);
    act.end();
    await started(2);
    expect(agent.requests[1]?.prompt).toContain('second');
  });

  it('reaches a sandbox that idles after its answer; an idle sandbox ends for a task', async () => {
    const { store, agent, started, given } = controlledTurns({ idleTimeoutMs: 60_000 });
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    await act.say(answer('one'));
    expect(agent.finished).toBe(0);
    call(store, '2');
    const [file = ''] = await given(1);
    agent.input.delete(file);
    await act.say(answer('two'));
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
    expect(agent.finished).toBe(0);
    store.runs.queueTask(
      {
        id: 'task-run',
        folder: MAIN.folder,
        chatJid: MAIN.jid,
        taskId: 'task',
        slot: 'now',
        attempt: 1,
        notBefore: 0,
      },
      Date.now(),
    );
    await vi.waitFor(() => expect(agent.finished).toBe(1));
  });

  it('never reaches the sandbox of a task or of another group', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.groups.add(FAMILY, 0);
    call(store, '1');
    await started(1);
    store.messages.add(newMessage({ id: '2', chatJid: FAMILY.jid, isTrigger: true }));
    await started(2);
    expect(agent.input.size).toBe(0);
    expect(agent.requests[1]?.groupFolder).toBe(FAMILY.folder);
  });

  it('is closed after a crash with the run that took it, if that run had effects', async () => {
    const { store, agent, conversation } = controlledTurns();
    store.groups.add(MAIN, 0);
    const run = { id: 'run-0', folder: MAIN.folder, chatJid: MAIN.jid, attempt: 1, firstSeq: 1, lastSeq: 1 };
    store.runs.startChat(run, 0);
    store.messages.add(newMessage({ id: '1', isTrigger: true }));
    store.messages.add(newMessage({ id: '2', isTrigger: true }));
    store.followUps.add('run-0', { file: 'taken.json', lastSeq: 2 });
    store.outbox.add(
      { chatJid: MAIN.jid, message: { kind: 'text', text: 'one' }, source: 'reply', runId: 'run-0' },
      0,
    );
    await conversation.settleInterrupted();
    expect(agent.requests).toEqual([]);
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
  });
});

describe('an answer without visible text', () => {
  it('moves the cursor as soon as it is stored, so that a crash afterwards says nothing', async () => {
    const store = testStore();
    const first = controlledTurns({ store });
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await first.started(1);
    const [{ runId = '' } = {}] = first.agent.requests;
    const message = { kind: 'text', text: 'sent by a tool' } as const;
    store.outbox.add({ chatJid: MAIN.jid, message, source: 'message', runId }, 0);
    await act.say(answer('<internal>done</internal>'));
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    const { conversation } = controlledTurns({ store });
    await conversation.settleInterrupted();
    expect(store.outbox.counts().get('queued')).toBe(1);
    expect(store.runs.running()).toEqual([]);
  });

  it('keeps a task from running again after a crash', async () => {
    const store = testStore();
    const { started, queueTask } = controlledTurns({ store });
    store.groups.add(MAIN, 0);
    queueTask(MAIN);
    await (await started(1)).say(answer('<internal>nothing new</internal>'));
    const { conversation } = controlledTurns({ store });
    await conversation.settleInterrupted();
    expect(store.runs.queued()).toEqual([]);
    expect(store.outbox.heads()).toEqual([]);
  });
});

it('an edit is given to the agent at once, and what follows within seconds as one follow-up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  const { store, agent, started, given } = controlledTurns();
  onTestFinished(() => void vi.useRealTimers());
  store.groups.add(MAIN, 0);
  call(store, '1', '@Andy g');
  await started(1);
  const edit = (id: string, text: string): void => {
    store.messages.add(newMessage({ id, text, isTrigger: true, editOf: '1' }));
  };
  edit('2', '@Andy go');
  await given(1);
  for (const [id, text] of Object.entries({ 3: '@Andy go o', 4: '@Andy go on' })) {
    edit(id, text);
    await vi.advanceTimersByTimeAsync(SECOND);
  }
  expect(agent.input.size).toBe(1);
  await vi.advanceTimersByTimeAsync(10 * SECOND);
  await given(2);
  expect([...agent.input.values()].at(-1)).toContain('@Andy go on<');
});

describe('a trigger that is deleted while the agent works on it', () => {
  const erase = (store: Store, seq: number): void =>
    store.messages.erase(MAIN.jid, String(seq), seq, Date.now());

  it('ends the run without a word', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    await started(1);
    erase(store, 1);
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(store.runs.tries(MAIN.jid, 1)).toMatchObject([{ status: 'interrupted', exitReason: 'withdrawn' }]);
    expect(store.outbox.heads()).toEqual([]);
  });

  it('ends it in a group without a trigger too', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add({ ...MAIN, requiresTrigger: false }, 0);
    store.messages.add(newMessage({ id: '1' }));
    await started(1);
    erase(store, 1);
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
  });

  it('does not end a run that another trigger waits for', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.transaction(() => {
      call(store, '1');
      call(store, '2');
    });
    const act = await started(1);
    erase(store, 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.atWork.size).toBe(1);
    await act.say(answer('done'));
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
  });

  it('does not end a run that has answered, nor one whose other messages are deleted', async () => {
    const { store, agent, started } = controlledTurns({ idleTimeoutMs: 60_000 });
    store.groups.add(MAIN, 0);
    store.messages.add(newMessage({ id: '1', text: 'by the way' }));
    call(store, '2');
    const act = await started(1);
    erase(store, 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.atWork.size).toBe(1);
    await act.say(answer('done'));
    erase(store, 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(agent.atWork.size).toBe(1);
  });

  it('takes no later trigger with it, which is answered by the next turn', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    await started(1);
    // A sandbox takes what it finds, also while it is ended.
    agent.hasTaken = async () => true;
    store.transaction(() => {
      erase(store, 1);
      call(store, '2', '@Andy something else');
    });
    await started(2);
    expect(agent.requests[1]?.prompt).toContain('something else');
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
  });

  it('ends the run when the agent has yet to answer a follow-up that is deleted', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    agent.input.delete(file);
    await act.say({ ...answer('one'), followUps: 0 });
    erase(store, 2);
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(2));
    expect(store.outbox.counts().get('queued')).toBe(1);
  });
});

describe('a follow-up in a run that fails', () => {
  it.each([
    ['after the last answer is told of, for nobody may have answered it', 1, 1],
    ['before the last answer is not told of', 2, 0],
  ])('a follow-up that was taken %s', async (_, cursor, notices) => {
    const { store, conversation } = controlledTurns();
    store.groups.add(MAIN, 0);
    const run = { id: 'run-0', folder: MAIN.folder, chatJid: MAIN.jid, attempt: 1, firstSeq: 1, lastSeq: 1 };
    store.runs.startChat(run, 0);
    for (const id of ['1', '2']) store.messages.add(newMessage({ id, isTrigger: true }));
    store.followUps.add('run-0', { file: 'taken.json', lastSeq: 2 });
    const reply = { kind: 'text', text: 'one' } as const;
    const seq = store.outbox.add({ chatJid: MAIN.jid, message: reply, source: 'reply', runId: 'run-0' }, 0);
    store.outbox.settle(seq, 'sent', 0);
    store.runs.noteAnswer('run-0', 0);
    store.messages.moveCursor(MAIN.jid, cursor);
    await conversation.settleInterrupted();
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
    expect(store.outbox.heads().filter(({ source }) => source === 'notice')).toHaveLength(notices);
  });

  it('is the next turn when the agent took it and ended without an answer to it', async () => {
    const { store, agent, started, given } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2', '@Andy second');
    const [file = ''] = await given(1);
    await act.say(answer('to the first'));
    agent.input.delete(file);
    act.end();
    await started(2);
    expect(agent.requests[1]?.prompt).toContain('second');
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
  });

  it('is not answered by an answer from before it was taken', async () => {
    let onDrain = (): void => undefined;
    const { store, agent, started, given } = controlledTurns({ drainMailbox: async () => onDrain() });
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    call(store, '2');
    const [file = ''] = await given(1);
    // The agent goes on while the host still looks for what its tools have sent.
    onDrain = () => void agent.input.delete(file);
    await act.say(answer('to the first'));
    expect(store.messages.cursor(MAIN.jid)).toBe(1);
    await act.say(answer('to the second'));
    expect(store.messages.cursor(MAIN.jid)).toBe(2);
    act.end();
  });

  it('does not keep a sandbox that has answered when its file cannot be written', async () => {
    const { store, agent, started } = controlledTurns({ idleTimeoutMs: 60_000 });
    const run = agent.run.bind(agent);
    agent.run = async (...turn) => ({
      ...(await run(...turn)),
      followUp: async () => {
        throw new Error('ENOSPC: no space left on device');
      },
    });
    store.groups.add(MAIN, 0);
    call(store, '1');
    const act = await started(1);
    await act.say(answer('one'));
    expect(agent.finished).toBe(0);
    call(store, '2', '@Andy second');
    await vi.waitFor(() => expect(agent.finished).toBe(1));
    act.end();
    await started(2);
    expect(agent.requests[1]?.prompt).toContain('second');
  });
});

describe('the session of a group', () => {
  it('stays where the last answered turn left it when a turn is given up', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old', resumeAt: '10' });
    call(store, '1', '@Andy question');
    const first = await started(1);
    await first.say({ status: 'success', result: null, newSessionId: 'copy' });
    await first.say({ status: 'error', error: 'invalid key', errorKind: 'key_refused' });
    first.end({ exitCode: 1 });
    await vi.waitFor(() => expect(agent.atWork.size).toBe(0));
    expect(store.sessions.find(MAIN.folder, 'offline')).toEqual({ sessionId: 'old', resumeAt: '10' });
  });

  it('is stored with the answer, and where its id comes after the answer, then', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1', '@Andy question');
    const act = await started(1);
    await act.say({ status: 'success', result: null, newSessionId: 'new' });
    expect(store.sessions.find(MAIN.folder, 'offline')).toBeUndefined();
    await act.say({ status: 'success', result: 'answer' });
    expect(store.sessions.find(MAIN.folder, 'offline')?.sessionId).toBe('new');
    await act.say({ status: 'success', result: null, newSessionId: 'newer' });
    act.end();
    await vi.waitFor(() => expect(agent.finished).toBe(1));
    expect(store.sessions.find(MAIN.folder, 'offline')?.sessionId).toBe('newer');
  });

  it('is stored at the end of a turn that ends well without an answer', async () => {
    const { store, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    call(store, '1', '@Andy question');
    const act = await started(1);
    await act.say({ status: 'success', result: null, newSessionId: 'new' });
    act.end();
    await vi.waitFor(() => expect(store.sessions.find(MAIN.folder, 'offline')?.sessionId).toBe('new'));
  });
});

describe('a session that cannot be resumed', () => {
  it('is dropped; the chat is notified, and the turn continues once with a new one', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old' });
    call(store, '1', '@Andy question');
    const first = await started(1);
    expect(agent.requests[0]?.sessionId).toBe('old');
    await first.say({ status: 'error', error: 'No conversation found with session ID: old' });
    first.end({ exitCode: 1 });
    const second = await started(2);
    expect(agent.requests[1]).toMatchObject({ sessionId: undefined });
    expect(agent.requests[1]?.prompt).toContain('question');
    await second.say({ status: 'success', result: 'answer', newSessionId: 'new' });
    second.end();
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(store.sessions.find(MAIN.folder, 'offline')?.sessionId).toBe('new');
    const said = [];
    for (let head = store.outbox.heads()[0]; head !== undefined; head = store.outbox.heads()[0]) {
      said.push(head.message.kind === 'text' ? head.message.text : '');
      store.outbox.settle(head.seq, 'sent', 0);
    }
    expect(said).toEqual([expect.stringContaining('lost the thread'), 'answer']);
  });

  it('is one that has grown too long for the model, and is dropped once only', async () => {
    const { store, agent, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old' });
    call(store, '1', '@Andy question');
    for (const count of [1, 2]) {
      const act = await started(count);
      expect(agent.requests[count - 1]?.sessionId).toBe(count === 1 ? 'old' : undefined);
      await act.say({ status: 'error', error: 'Prompt is too long', errorKind: 'prompt_too_long' });
      act.end({ exitCode: 1 });
    }
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(agent.requests).toHaveLength(2);
    expect(store.sessions.find(MAIN.folder, 'offline')).toBeUndefined();
  });

  it('is recognized by the program’s last words where there was no frame', async () => {
    const { store, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old' });
    call(store, '1');
    const first = await started(1);
    first.end({
      exitCode: 1,
      error: "exit code 1: ENOENT: no such file, open '/home/node/.claude/x/old.jsonl'",
    });
    await started(2);
    expect(store.sessions.find(MAIN.folder, 'offline')).toBeUndefined();
  });

  it('is not brought back by a running turn when an operator removes its row', async () => {
    const { store, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old' });
    call(store, '1');
    const act = await started(1);
    await act.say({ status: 'success', result: null, newSessionId: 'old' });
    store.sessions.remove(MAIN.folder, 'offline');
    await act.say({ ...answer('done'), newSessionId: 'old' });
    act.end();
    await vi.waitFor(() => expect(store.messages.cursor(MAIN.jid)).toBe(1));
    expect(store.sessions.all()).toEqual([]);
  });

  it.each([
    ['an error of the network', { error: 'connect ECONNREFUSED', errorKind: 'network' }],
    [
      'a gateway’s error in the words of a lost session',
      { error: '404 {"error":"session not found"}', errorKind: 'model_unknown' },
    ],
    ['another error in such words', { error: 'the tool said: No conversation found', errorKind: 'other' }],
  ] as const)('is kept after %s', async (_, frame) => {
    const { store, started } = controlledTurns();
    store.groups.add(MAIN, 0);
    store.sessions.save(MAIN.folder, 'offline', { sessionId: 'old' });
    call(store, '1');
    const first = await started(1);
    await first.say({ status: 'error', ...frame });
    first.end({ exitCode: 1 });
    await vi.waitFor(() => expect(store.runs.running()).toEqual([]));
    expect(store.sessions.find(MAIN.folder, 'offline')?.sessionId).toBe('old');
  });
});

it('a follow-up whose row cannot be stored is never shown to the agent, which would answer it twice', async () => {
  const { store, agent, started } = controlledTurns();
  store.groups.add(MAIN, 0);
  call(store, '1');
  const act = await started(1);
  const full = vi.spyOn(store.followUps, 'add').mockImplementation(() => {
    throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
  });
  call(store, '2');
  await vi.waitFor(() => expect(full).toHaveBeenCalled());
  expect(agent.input.size).toBe(0);
  full.mockRestore();
  await act.say(answer('to the first'));
  act.end();
  await started(2);
  expect(store.messages.cursor(MAIN.jid)).toBe(1);
});
