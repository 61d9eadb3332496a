import { appendFile, chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutAt } from '../../../../../src/protocol/layout.ts';
import { temporaryDirectory } from '../../../../../test/support/temporary.ts';
import { codexProgram } from '../codex/program.ts';
import { childEnvironment } from './child-environment.ts';
import { findProgram } from './find-program.ts';
import { modelFailure, noKey } from './model-failure.ts';
import { endOf, rewindTo } from './session-file.ts';
import { toolServerLost } from './tool-server-failure.ts';

async function executable(...path: string[]): Promise<string> {
  const file = join(...path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '#!/bin/sh\n');
  await chmod(file, 0o755);
  return file;
}

describe('finding a program', () => {
  it('takes the first executable one on PATH', async () => {
    const root = temporaryDirectory();
    await mkdir(join(root, 'a'));
    await writeFile(join(root, 'a', 'tool'), 'no program');
    const file = await executable(root, 'b', 'tool');
    await executable(root, 'c', 'tool');
    expect(await findProgram('tool', `${root}/a::${root}/b:${root}/c`)).toBe(file);
  });

  it('names the fix for each missing runtime, and that a retry does not help', async () => {
    const cure = expect.stringMatching(/AGENT_PROVIDERS, container\/build\.sh.*npm run agents/);
    for (const path of [temporaryDirectory(), undefined]) {
      await expect(findProgram('no-such-agent', path)).rejects.toMatchObject({
        kind: 'not_installed',
        message: cure,
        advice: cure,
      });
    }
  });
});

describe('finding Codex', () => {
  it('skips the npm package’s launcher and finds the program itself', async () => {
    const modules = join(temporaryDirectory(), 'node_modules');
    const launcher = await executable(modules, '@openai', 'codex', 'bin', 'codex.js');
    const platform = `codex-${process.platform}-${process.arch}`;
    const native = await executable(modules, '@openai', platform, 'vendor', 'some-triple', 'bin', 'codex');
    await mkdir(join(modules, '.bin'));
    await symlink(launcher, join(modules, '.bin', 'codex'));
    expect(await codexProgram(join(modules, '.bin'))).toBe(native);
  });

  it('returns the launcher where the program is elsewhere', async () => {
    const modules = join(temporaryDirectory(), 'node_modules');
    const launcher = await executable(modules, '@openai', 'codex', 'bin', 'codex.js');
    await mkdir(join(modules, '.bin'));
    await symlink(launcher, join(modules, '.bin', 'codex'));
    expect(await codexProgram(join(modules, '.bin'))).toBe(join(modules, '.bin', 'codex'));
  });

  it('returns any other program of that name unchanged', async () => {
    const file = await executable(temporaryDirectory(), 'codex');
    expect(await codexProgram(join(file, '..'))).toBe(file);
  });
});

describe('a session’s file', () => {
  it('is cut to where an answered turn left it, and only there', async () => {
    const file = join(temporaryDirectory(), 'session.jsonl');
    await writeFile(file, '{"turn":1}\n');
    const place = await endOf(file);
    await appendFile(file, '{"turn":2}\n{"half');
    await rewindTo(file, undefined);
    await rewindTo(file, '7d1f0c2e-an-id');
    await rewindTo(file, '5');
    await rewindTo(file, '500');
    expect(await readFile(file, 'utf8')).toBe('{"turn":1}\n{"turn":2}\n{"half');
    await rewindTo(file, place);
    expect(await readFile(file, 'utf8')).toBe('{"turn":1}\n');
    await rewindTo(file, place);
    expect(await readFile(file, 'utf8')).toBe('{"turn":1}\n');
  });
});

describe('a child’s environment', () => {
  it('has what any program needs and its own variables, and no key', () => {
    const env = {
      PATH: '/bin',
      TZ: 'Europe/Berlin',
      HTTPS_PROXY: 'http://p',
      ANTHROPIC_API_KEY: 'secret',
      HOME: '/root',
    };
    const layout = layoutAt('/w', '/home/node');
    expect(childEnvironment({ env, layout }, { CODEX_HOME: '/h' })).toEqual({
      PATH: '/bin',
      TZ: 'Europe/Berlin',
      HTTPS_PROXY: 'http://p',
      HOME: '/home/node',
      CODEX_HOME: '/h',
    });
  });
});

describe('a failed request to the model’s service', () => {
  it.each([
    [401, 'key_refused'],
    [402, 'billing'],
    [403, 'permission'],
    [413, 'prompt_too_long'],
    [404, 'model_unknown'],
    [429, 'rate_limit'],
    [500, 'service_error'],
    [503, 'overloaded'],
    [529, 'overloaded'],
    [502, 'network'],
    [400, 'request_refused'],
  ])('has the kind for status %i: %s', (status, kind) => {
    expect(modelFailure('something', status)).toMatchObject({ kind });
  });

  it.each([
    ['The model `gpt-x` does not exist or you do not have access to it.', 'model_unknown'],
    ['Not found the model kimi-x or Permission denied: model not found', 'model_unknown'],
    ['Incorrect API key provided: sk-…', 'key_refused'],
    ['Quota exceeded. Check your plan and billing details.', 'billing'],
    ['We’re currently experiencing high demand, which may cause temporary errors.', 'overloaded'],
    ['Connection failed: error sending request', 'network'],
    ['connect ECONNREFUSED 127.0.0.1:1', 'network'],
    ['the prompt is too long', 'prompt_too_long'],
    ['the file is too long', 'other'],
  ])('has a kind by its words without a status: %s', (words, kind) => {
    expect(modelFailure(words)).toMatchObject({ kind });
  });

  it('has a kind by its words where the status says too little', () => {
    expect(modelFailure('The model `x` does not exist', 400)).toMatchObject({ kind: 'model_unknown' });
  });

  it('names the variables when it was never made because the key is missing', () => {
    expect(noKey(['A_KEY', 'B_KEY'])).toMatchObject({
      kind: 'no_key',
      message: expect.stringContaining('A_KEY or B_KEY'),
    });
  });
});

describe('the assistant’s tool server that did not start', () => {
  it.each([
    ['MCP error -32001: Request timed out', /took too long to start .*the machine is busy/],
    ['connection timeout after 30000ms', /took too long to start/],
    ['spawn node ENOENT', /did not start .*container\/build\.sh/],
  ])('is reported as slow or as missing by its own reason: %s', (reason, words) => {
    expect(toolServerLost(reason).message).toMatch(words);
  });
});
