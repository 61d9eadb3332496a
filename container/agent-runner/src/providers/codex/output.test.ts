import { describe, expect, it } from 'vitest';
import { describeItem, parseEvent } from './events.ts';
import { codexFailure } from './failure.ts';

describe('a line of Codex’s output', () => {
  it('reports the session’s id', () => {
    const line = '{"type":"thread.started","thread_id":"01a1fd1e-28c6-7b51-983a-8b198ba052dd"}';
    expect(parseEvent(line)).toEqual({
      type: 'thread.started',
      thread_id: '01a1fd1e-28c6-7b51-983a-8b198ba052dd',
    });
  });

  it('describes a finished step without its content', () => {
    const command =
      '{"type":"item.completed","item":{"id":"item_0","type":"command_execution","command":"cat secret","aggregated_output":"secret\\n","exit_code":1,"status":"failed"}}';
    const call =
      '{"type":"item.completed","item":{"id":"item_1","type":"mcp_tool_call","server":"nanoclaw","tool":"send_message","arguments":{"text":"hey"},"result":{"content":[]},"error":null,"status":"completed"}}';
    const described = [command, call].map((line) => {
      const event = parseEvent(line);
      return event?.type === 'item.completed' ? describeItem(event) : undefined;
    });
    expect(described).toEqual([
      'command_execution failed exit 1',
      'mcp_tool_call nanoclaw/send_message completed',
    ]);
  });

  it.each([
    '',
    'Reading prompt from stdin...',
    '{"type":"turn.started"}',
    '{"type":"item.completed"}',
    '[]',
    'null',
  ])('is skipped when it has no use: %j', (line) => {
    expect(parseEvent(line)).toBeUndefined();
  });
});

describe('a failure of Codex', () => {
  it.each([
    ['unexpected status 401 Unauthorized: no, url: http://127.0.0.1:1/v1/responses', 'key_refused'],
    ['unexpected status 403 Forbidden: no, url: http://127.0.0.1:1/v1/responses', 'permission'],
    ['unexpected status 404 Not Found: no, url: http://127.0.0.1:1/v1/responses', 'model_unknown'],
    ['The model `gpt-x` does not exist or you do not have access to it.', 'model_unknown'],
    ['exceeded retry limit, last status: 429 Too Many Requests', 'rate_limit'],
    ['Quota exceeded. Check your plan and billing details.', 'billing'],
    ['Codex ran out of room in the model’s context window. Start a new conversation.', 'prompt_too_long'],
    ['You’ve hit your usage limit. Try again in 3 days 1 hour 5 minutes.', 'rate_limit'],
    ['We’re currently experiencing high demand, which may cause temporary errors.', 'overloaded'],
    ['Connection failed: error sending request', 'network'],
    ['Missing environment variable: `CODEX_API_KEY`.', 'no_key'],
    ['{"error":{"message":"bad request"}}', 'other'],
  ])('has its kind: %s', (said, kind) => {
    expect(codexFailure(said)).toMatchObject({ kind });
  });

  it('does not show the address of the proxy', () => {
    expect(
      codexFailure('unexpected status 401 Unauthorized: no, url: http://127.0.0.1:1/x').message,
    ).not.toContain('127.0.0.1');
  });

  const READING =
    'Error: thread/resume: thread/resume failed: failed to read thread: thread-store internal error: failed to read session metadata /h/r.jsonl:';

  it.each([
    'Error: thread/resume: thread/resume failed: no rollout found for thread id 01a1 (code -32600)',
    'Error: thread/fork: thread/fork failed: no rollout found for thread id 01a1 (code -32600)',
    `WARNING: x\n${READING} rollout at /h/r.jsonl is empty (code -32603)`,
    `${READING} rollout at /h/r.jsonl does not start with session metadata (code -32603)`,
    `${READING} stream did not contain valid UTF-8 (code -32603)`,
  ])('is a lost session: %s', (said) => {
    expect(codexFailure(said)).toMatchObject({ kind: 'session_lost' });
  });

  it.each([
    ['unexpected status 404 Not Found: session not found, url: http://127.0.0.1:1/x', 'model_unknown'],
    ['unexpected status 500 Internal Server Error: no rollout found for thread id 1', 'service_error'],
    ['thread session not found', 'other'],
    [`${READING} Permission denied (os error 13) (code -32603)`, 'other'],
    [`${READING} Too many open files (os error 24) (code -32603)`, 'other'],
    [
      'Error: thread/resume: thread/resume failed: failed to locate thread id 01a1: Permission denied (os error 13)',
      'other',
    ],
  ])('is not a lost session: %s', (said, kind) => {
    expect(codexFailure(said)).toMatchObject({ kind });
  });

  it('names the assistant’s tool server when it did not start', () => {
    const said =
      'Error: thread/start: Fatal error: Failed to initialize session: required MCP servers failed to initialize: nanoclaw: handshaking failed: connection closed, when send initialize request: x (code -32603)';
    expect(codexFailure(said)).toMatchObject({
      kind: 'other',
      message: expect.stringContaining(
        'The assistant’s tool server "nanoclaw" did not start (nanoclaw: handshaking failed: connection closed)',
      ),
    });
    const slow = said.replace('handshaking failed: connection closed', 'request timed out');
    expect(codexFailure(slow).message).toMatch(/took too long to start .*the machine is busy/);
    expect(codexFailure(slow).message).not.toMatch(/image/);
  });

  it('does not call the assistant’s tool server missing when it is only slow', () => {
    const said =
      'Error: thread/start: required MCP servers failed to initialize: nanoclaw: MCP client for `nanoclaw` timed out after 60 seconds. Add or adjust `startup_timeout_sec` in your config.toml';
    expect(codexFailure(said).message).toMatch(/"nanoclaw" took too long to start .*the machine is busy/);
  });
});
