import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { layoutAt } from '../../../../src/protocol/layout.ts';
import type { OutputFrame, TurnInput } from '../../../../src/protocol/turn.ts';
import { temporaryDirectory } from '../../../../test/support/temporary.ts';
import { failureFrame, TurnFailure } from '../failure.ts';
import type { SdkResultMessage } from './claude/sdk.ts';
import { type Behaviour, FakeClaude, SESSION } from './claude/testing/fake-claude.ts';
import { ClaudeProvider } from './claude.ts';
import { WRAP_UP_PROMPT } from './programs/wrap-up.ts';
import type { AgentTurn, FollowUps } from './provider.ts';
import { testTurn } from './test-turn.ts';

const INPUT: TurnInput = {
  prompt: 'hello',
  groupFolder: 'main',
  chatJid: 'self@s.whatsapp.net',
  isMain: true,
  assistantName: 'Andy',
};

function newTurn(change: Partial<AgentTurn> = {}): AgentTurn {
  const root = temporaryDirectory();
  const layout = layoutAt(join(root, 'workspace'), join(root, 'home'));
  for (const directory of [layout.group, layout.global]) mkdirSync(directory, { recursive: true });
  return testTurn({ layout, input: INPUT, ...change });
}

async function answer(claude: FakeClaude, turn: AgentTurn = newTurn()): Promise<OutputFrame[]> {
  let ids = 0;
  const provider = new ClaudeProvider({
    loadQuery: async () => claude.query,
    newId: () => `id-${++ids}`,
  });
  const frames: OutputFrame[] = [];
  for await (const frame of provider.answer(turn)) frames.push(frame);
  return frames;
}

/** Answers whatever is said with the words said. */
const echo: Behaviour = (said, claude) => {
  claude.init();
  claude.assistant(`a-${claude.texts.length}`);
  claude.result(said.map(({ message }) => message.content).join(' + '));
};

/** Follow-ups that a test hands out itself. */
class TestFollowUps implements FollowUps {
  readonly #texts: string[] = [];
  #wake: () => void = () => undefined;
  /** Was unlinked at the very moment when no more were wanted. */
  lastMoment: string | undefined;

  say(text: string): void {
    this.#texts.push(text);
    this.#wake();
  }

  async *arriving(until: AbortSignal): AsyncGenerator<string> {
    until.addEventListener('abort', () => this.#wake(), { once: true });
    while (!until.aborted) {
      const text = this.#texts.shift();
      if (text !== undefined) yield text;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.lastMoment !== undefined) yield this.lastMoment;
  }
}

async function failureOf(claude: FakeClaude, turn?: AgentTurn): Promise<TurnFailure> {
  const error: unknown = await answer(claude, turn).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TurnFailure)) throw new Error(`no TurnFailure: ${String(error)}`);
  return error;
}

function watchStderr() {
  const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  return { text: () => spy.mock.calls.flat().join(''), restore: () => spy.mockRestore() };
}

describe('a turn of Claude', () => {
  it('reports its session as soon as it is known, then its answer with the anchor for the next', async () => {
    expect(await answer(new FakeClaude(echo))).toEqual([
      { status: 'success', result: null, newSessionId: SESSION },
      { status: 'success', result: 'hello', newSessionId: SESSION, resumeAt: 'a-1' },
    ]);
  });

  it('is anchored on the main thread, whatever subagents say', async () => {
    const claude = new FakeClaude((_, program) => {
      program.init();
      program.assistant('main');
      program.assistant('sub', { parent: 'toolu_1' });
      program.result('done');
    });
    expect((await answer(claude)).at(-1)).toMatchObject({ resumeAt: 'main' });
  });

  it('keeps the anchor of the session that it resumes until there is another', async () => {
    const claude = new FakeClaude(echo);
    const [first] = await answer(claude, newTurn({ sessionId: SESSION, resumeAt: 'before' }));
    expect(first).toMatchObject({ newSessionId: SESSION, resumeAt: 'before' });
    expect(claude.runs[0]).toMatchObject({ resume: SESSION, resumeSessionAt: 'before' });
  });

  it('is answered silently when nothing was said', async () => {
    const claude = new FakeClaude((_, program) => {
      program.init();
      program.result('');
    });
    expect((await answer(claude)).at(-1)).toMatchObject({ status: 'success', result: '' });
  });

  it('gets the current memory of all chats, and its situation', async () => {
    const claude = new FakeClaude(echo);
    const turn = newTurn();
    writeFileSync(join(turn.layout.global, 'CLAUDE.md'), 'speaks German');
    await answer(claude, turn);
    const { append, snapshot } = claude.runs[0]?.systemPrompt ?? {};
    expect(append).toMatch(/You are Andy[\s\S]*speaks German$/);
    expect(snapshot).toBe(false);
  });

  it('is given its own variables and no other agent’s', async () => {
    const claude = new FakeClaude(echo);
    const env = {
      PATH: '/bin',
      ANTHROPIC_API_KEY: 'key-1',
      ANTHROPIC_AUTH_TOKEN: '',
      CLAUDE_CODE_MAX_RETRIES: '0',
      OPENAI_API_KEY: 'key-2',
      KIMI_API_KEY: 'key-3',
    };
    const turn = newTurn({ env });
    await answer(claude, turn);
    const given = claude.runs[0]?.env;
    expect(given).toMatchObject({
      PATH: '/bin',
      HOME: turn.layout.home,
      ANTHROPIC_API_KEY: 'key-1',
      CLAUDE_CONFIG_DIR: join(turn.layout.home, '.claude'),
      CLAUDE_CODE_MAX_RETRIES: '0',
    });
    expect(JSON.stringify(given)).not.toMatch(/key-[23]|ANTHROPIC_AUTH_TOKEN/);
    expect(JSON.stringify(claude.runs[0]?.mcpServers)).not.toMatch(/key-/);
  });

  it('takes a task’s prompt as it stands, even one that begins like a command', async () => {
    const verbatim: unknown[] = [];
    const claude = new FakeClaude((said, program) => {
      verbatim.push(said[0]?.client_composed);
      program.result('ok');
    });
    await answer(claude, newTurn({ prompt: ' /compact' }));
    await answer(claude, newTurn({ prompt: 'compact' }));
    expect(verbatim).toEqual([true, undefined]);
  });

  it('says which image it needs when there is no SDK', async () => {
    const provider = new ClaudeProvider({
      loadQuery: () => Promise.reject(new Error('Cannot find package')),
      newId: () => '',
    });
    await expect(provider.answer(newTurn()).next()).rejects.toMatchObject({
      kind: 'not_installed',
      message: expect.stringMatching(/cannot be loaded \(Cannot find package\)\. Rebuild the image/),
    });
  });
});

describe('a follow-up for Claude', () => {
  it('is passed on while Claude works, and one answer may cover both', async () => {
    const followUps = new TestFollowUps();
    const claude = new FakeClaude((said, program) => {
      if (said.length === 1) followUps.say('and hurry');
      else echo(said, program);
    });
    const frames = await answer(claude, newTurn({ followUps }));
    expect(claude.texts).toEqual(['hello', 'and hurry']);
    expect(frames.map(({ result }) => result)).toEqual([null, 'hello + and hurry']);
  });

  it('gets an answer of its own when the first answer does not cover it', async () => {
    const followUps = new TestFollowUps();
    const claude = new FakeClaude(async (said, program) => {
      if (said.length === 1 && program.texts.length === 1) return followUps.say('two');
      const [first, second] = said;
      program.init();
      program.result('to one', { user_message_uuids: [first?.uuid ?? ''] });
      program.result('to two', { user_message_uuids: [second?.uuid ?? ''] });
    });
    const frames = await answer(claude, newTurn({ followUps }));
    expect(frames.map(({ result }) => result)).toEqual([null, 'to one', 'to two']);
  });

  it('is answered before the program ends when it was taken as the turn ended', async () => {
    const followUps = new TestFollowUps();
    followUps.lastMoment = 'wait';
    const claude = new FakeClaude((said, program) => {
      followUps.lastMoment = program.texts.length === 1 ? 'wait' : undefined;
      echo(said, program);
    });
    const frames = await answer(claude, newTurn({ followUps }));
    expect(frames.map(({ result }) => result)).toEqual([null, 'hello', 'wait']);
  });

  it('does not end the turn when it cannot be read', async () => {
    const stderr = watchStderr();
    const broken = {
      arriving: () => ({
        [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('no disk')) }),
      }),
    };
    expect((await answer(new FakeClaude(echo), newTurn({ followUps: broken }))).at(-1)?.result).toBe('hello');
    expect(stderr.text()).toMatch(/follow-ups are not taken: no disk/);
    stderr.restore();
  });
});

describe('an error of the model’s service', () => {
  const failing = (result: Partial<SdkResultMessage>, error = 'unknown') =>
    new FakeClaude((_, program) => {
      program.init();
      program.assistant('synthetic', { error });
      program.result('Invalid API key · Please run /login', { is_error: true, ...result });
      program.fail('Claude Code process exited with code 1');
    });

  it.each([
    ['no key', { api_error_status: null }, 'authentication_failed', 'no_key'],
    ['a refused key', { api_error_status: 401 }, 'authentication_failed', 'key_refused'],
    ['a key without the right', { api_error_status: 403 }, 'authentication_failed', 'key_refused'],
    ['a missing permission', { api_error_status: 403, result: 'no' }, 'unknown', 'permission'],
    ['a limit', { api_error_status: 429, result: 'slow down' }, 'rate_limit', 'rate_limit'],
    ['a crowd', { api_error_status: 529, result: 'Overloaded' }, 'server_error', 'overloaded'],
    ['a failing service', { api_error_status: 500, result: 'oh' }, 'server_error', 'service_error'],
    ['an empty account', { api_error_status: 400, result: 'Credit' }, 'billing_error', 'billing'],
    [
      'an empty account that is not named',
      { api_error_status: 400, result: 'Credit balance is too low' },
      'unknown',
      'billing',
    ],
    ['an unknown model', { api_error_status: 404, result: 'model' }, 'model_not_found', 'model_unknown'],
    ['no network', { api_error: 'connection_failed', result: 'ECONNREFUSED' }, 'server_error', 'network'],
    [
      'too long a prompt',
      { api_error_status: 400, result: 'Prompt is too long' },
      'invalid_request',
      'prompt_too_long',
    ],
    [
      'a bad request',
      { api_error_status: 400, result: 'no such tool' },
      'invalid_request',
      'request_refused',
    ],
  ] as const)('%s is recognized', async (_, result, error, kind) => {
    const failure = await failureOf(failing(result, error));
    expect(failure.kind).toBe(kind);
    expect(failure.message).not.toMatch(/\/login/);
  });

  it('never becomes an answer', async () => {
    const frames: OutputFrame[] = [];
    const provider = new ClaudeProvider({
      loadQuery: async () => failing({ api_error_status: 401 }).query,
      newId: () => 'id',
    });
    const turn = provider.answer(newTurn());
    await expect(
      (async () => {
        for await (const frame of turn) frames.push(frame);
      })(),
    ).rejects.toThrow(TurnFailure);
    expect(frames.map(({ result }) => result)).toEqual([null]);
  });

  it('names the fix when the key is a short-lived token', async () => {
    const env = { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-secret' };
    const failure = await failureOf(failing({ api_error_status: 401 }), newTurn({ env }));
    const { error, advice } = failureFrame(failure);
    for (const words of [error, advice]) {
      expect(words).toMatch(/claude setup-token/);
      expect(words).not.toMatch(/secret/);
    }
  });

  it('names no fix when the key is of another kind', async () => {
    const lasting = { ANTHROPIC_API_KEY: 'sk-ant-api03-secret' };
    expect((await failureOf(failing({ api_error_status: 401 }), newTurn({ env: lasting }))).advice).toBe(
      undefined,
    );
    const noRight = { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-secret' };
    expect((await failureOf(failing({ api_error_status: 403 }), newTurn({ env: noRight }))).advice).toBe(
      undefined,
    );
  });

  it('is not waited for when no retry can help', async () => {
    const stderr = watchStderr();
    const claude = new FakeClaude((_, program) => {
      program.init();
      const retry = { type: 'system', subtype: 'api_retry', error_status: 401, error: 'x' } as const;
      program.emit({ ...retry, attempt: 1 });
      program.emit({ ...retry, attempt: 2 });
    });
    expect((await failureOf(claude)).kind).toBe('key_refused');
    expect(claude.closed).toBe(1);
    expect(stderr.text()).toMatch(/try 2 failed \(401\)/);
    stderr.restore();
  });

  it('is not waited for when the service answers again in an hour only', async () => {
    const stderr = watchStderr();
    const claude = new FakeClaude((_, program) => {
      program.init();
      const retry = { type: 'system', subtype: 'api_retry', error_status: 429, error: 'rate_limit' } as const;
      program.emit({ ...retry, attempt: 1, retry_delay_ms: 3_600_000 });
    });
    expect(await failureOf(claude)).toMatchObject({ kind: 'rate_limit', retryAfterSeconds: 3_600 });
    stderr.restore();
  });

  it('says when the limit of a subscription is reset', async () => {
    const claude = new FakeClaude((_, program) => {
      program.init();
      const resetsAt = Math.floor(Date.now() / 1_000) + 7_200;
      program.emit({ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt } });
      program.assistant('synthetic', { error: 'rate_limit' });
      program.result('You’ve hit your session limit', { is_error: true, api_error_status: 429 });
    });
    const { kind, retryAfterSeconds = 0 } = await failureOf(claude);
    expect(kind).toBe('rate_limit');
    expect(Math.round(retryAfterSeconds / 60)).toBe(120);
  });

  it('is left to the program when it is transient', async () => {
    const stderr = watchStderr();
    const claude = new FakeClaude((said, program) => {
      const retry = { type: 'system', subtype: 'api_retry', error: 'overloaded' } as const;
      for (const attempt of [1, 2, 3]) program.emit({ ...retry, attempt, error_status: 529 });
      echo(said, program);
    });
    expect((await answer(claude)).at(-1)?.result).toBe('hello');
    stderr.restore();
  });
});

describe('a session', () => {
  const refusing = (error: string, more: Partial<SdkResultMessage> = {}) =>
    new FakeClaude((_, program) => {
      program.emit({
        type: 'result',
        subtype: 'error_during_execution',
        is_error: true,
        session_id: SESSION,
        errors: [error],
        ...more,
      });
      program.fail(`Claude Code returned an error result: ${error}`);
    });

  it.each([
    `No conversation found with session ID: ${SESSION}`,
    'Error: --resume requires a valid session ID or session title when used with --print. Usage: claude -p --resume <session-id|title>. Provided value "s1" is not a UUID and does not match any session title.',
    `ENOENT: no such file or directory, open '/home/node/.claude/projects/x/${SESSION}.jsonl'`,
  ])('is lost when the program says: %s', async (error) => {
    const failure = await failureOf(refusing(error), newTurn({ sessionId: SESSION }));
    expect(failure.kind).toBe('session_lost');
  });

  it.each([
    'ENOENT: no such file or directory, open /etc/x',
    'the disk is full',
    'Failed to resume session: EISDIR: illegal operation on a directory, read',
    'Error: --resume requires a valid session ID or session title when used with --print.',
    'API Error: 404 No conversation found with session ID: x',
  ])('is not lost for any other reason: %s', async (error) => {
    expect((await failureOf(refusing(error), newTurn({ sessionId: SESSION }))).kind).toBe('other');
  });

  it('is not lost when the service refuses, whatever its words', async () => {
    const error = `No conversation found with session ID: ${SESSION}`;
    const refused = refusing(error, { api_error_status: 404 });
    expect((await failureOf(refused, newTurn({ sessionId: SESSION }))).kind).toBe('model_unknown');
  });

  it('is not lost because of what the model says', async () => {
    const claude = new FakeClaude((_, program) => {
      program.init();
      program.result('No conversation found with session ID: x', { is_error: true });
    });
    expect((await failureOf(claude)).kind).toBe('other');
  });

  it('is resumed at its end when its anchor is gone', async () => {
    const stderr = watchStderr();
    const claude = new FakeClaude((said, program) => {
      if (program.runs.length > 1) return echo(said, program);
      program.result('', {
        is_error: true,
        subtype: 'error_during_execution',
        errors: ['No message found with message.uuid of: gone'],
      });
    });
    const frames = await answer(claude, newTurn({ sessionId: SESSION, resumeAt: 'gone' }));
    expect(claude.runs.map(({ resume, resumeSessionAt }) => [resume, resumeSessionAt])).toEqual([
      [SESSION, 'gone'],
      [SESSION, undefined],
    ]);
    expect(frames.at(-1)?.result).toBe('hello');
    stderr.restore();
  });
});

describe('a tool server that does not start', () => {
  it('ends the turn when it is ours', async () => {
    const stderr = watchStderr();
    const claude = new FakeClaude((_, program) => program.init([{ name: 'nanoclaw', status: 'failed' }]));
    expect((await failureOf(claude)).message).toMatch(/tool server "nanoclaw" did not start \(ENOENT\)/);
    stderr.restore();
  });

  it('is reported as slow, not as missing, when it takes too long to start', async () => {
    const stderr = watchStderr();
    const error = 'MCP server "nanoclaw" connection timed out after 30000ms';
    const claude = new FakeClaude((_, program) =>
      program.init([{ name: 'nanoclaw', status: 'failed', error }]),
    );
    const { message } = await failureOf(claude);
    expect(message).toMatch(/"nanoclaw" took too long to start .*the machine is busy/);
    stderr.restore();
  });

  it('is only logged when it is not ours', async () => {
    const stderr = watchStderr();
    const claude = new FakeClaude((_, program) => {
      program.init([
        { name: 'nanoclaw', status: 'connected' },
        { name: 'mail', status: 'failed' },
      ]);
      program.result('ok');
    });
    expect((await answer(claude)).at(-1)?.result).toBe('ok');
    expect(stderr.text()).toBe('the tool server "mail" did not start: ENOENT\n');
    stderr.restore();
  });
});

describe('the end of a turn', () => {
  it('comes without a frame when it is stopped', async () => {
    const stop = new AbortController();
    const claude = new FakeClaude((_, program) => {
      program.init();
      stop.abort();
      program.fail('the process was killed');
    });
    const frames = await answer(claude, newTurn({ stop: stop.signal }));
    expect(frames.filter(({ result }) => result !== null)).toEqual([]);
  });

  it('comes before anything is started when it was stopped already', async () => {
    const claude = new FakeClaude(echo);
    expect(await answer(claude, newTurn({ stop: AbortSignal.abort() }))).toEqual([]);
    expect(claude.runs).toEqual([]);
  });

  it('is a failure when the program ends without an answer', async () => {
    const claude = new FakeClaude((_, program) => program.fail('exited with code 1'));
    expect((await failureOf(claude)).message).toMatch(
      /stopped before it had answered \(exited with code 1\)/,
    );
  });

  /** As the program ends a turn that is interrupted. */
  const broken = {
    is_error: true,
    subtype: 'error_during_execution',
    terminal_reason: 'aborted_tools',
    errors: ['[ede_diagnostic] result_type=user'],
  };

  it('comes with the answer so far when time is up', async () => {
    const wrapUp = new AbortController();
    const claude = new FakeClaude((said, program) => {
      if (program.texts.length > 1) return echo(said, program);
      program.onInterrupt = () => program.result('', broken);
      program.init();
      wrapUp.abort();
    });
    const frames = await answer(claude, newTurn({ wrapUp: wrapUp.signal }));
    expect(claude.interrupts).toBe(1);
    expect(frames.map(({ result }) => result)).toEqual([null, WRAP_UP_PROMPT]);
  });

  it('comes although the program reports an aborted turn as a success', async () => {
    const wrapUp = new AbortController();
    const claude = new FakeClaude((said, program) => {
      if (program.texts.length > 1) return echo(said, program);
      program.onInterrupt = () => program.result('', { terminal_reason: 'aborted_tools' });
      wrapUp.abort();
    });
    const frames = await answer(claude, newTurn({ wrapUp: wrapUp.signal }));
    expect(frames.map(({ result }) => result)).toEqual([null, WRAP_UP_PROMPT]);
  });

  it('answers the message before it, and leaves the next one unanswered', async () => {
    const wrapUp = new AbortController();
    const followUps = new TestFollowUps();
    const priorities: unknown[] = [];
    const claude = new FakeClaude((said, program) => {
      priorities.push(said.at(-1)?.priority);
      if (program.texts.length === 1) return followUps.say('and the bread?');
      if (program.texts.length === 2) {
        program.onInterrupt = () =>
          program.result('', { ...broken, user_message_uuids: [said[0]?.uuid ?? ''] });
        return wrapUp.abort();
      }
      // The wrap-up is answered first; the follow-up waits still.
      program.result('this far', { user_message_uuids: [said.at(-1)?.uuid ?? ''] });
    });
    const frames = await answer(claude, newTurn({ followUps, wrapUp: wrapUp.signal }));
    expect(priorities).toEqual([undefined, undefined, 'now']);
    expect(claude.texts[2]).toBe(`${WRAP_UP_PROMPT}\n\nand the bread?`);
    expect(frames.map(({ result }) => result)).toEqual(['this far']);
  });

  it('is not reported twice when the turn ended by itself meanwhile', async () => {
    const wrapUp = new AbortController();
    const claude = new FakeClaude((said, program) => {
      program.onInterrupt = () => echo(said, program);
      wrapUp.abort();
    });
    const frames = await answer(claude, newTurn({ wrapUp: wrapUp.signal }));
    expect(frames.map(({ result }) => result)).toEqual([null, 'hello']);
  });

  it('is requested at once when time was up before', async () => {
    const claude = new FakeClaude(echo);
    await answer(claude, newTurn({ wrapUp: AbortSignal.abort() }));
    expect(claude.texts).toEqual([`hello\n\n${WRAP_UP_PROMPT}`]);
    expect(claude.interrupts).toBe(0);
  });
});
