import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { CommandTranscriber } from './command-transcriber.ts';

const never = new AbortController().signal;

function note(): string {
  const file = join(temporaryDirectory(), 'a note.ogg');
  writeFileSync(file, 'OggS of a kind');
  return file;
}

function program(script: string, timeoutMs = 10_000): CommandTranscriber {
  const path = join(temporaryDirectory(), 'transcribe');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  const env = { PATH: process.env.PATH };
  return new CommandTranscriber({ command: [path, '--language', 'de;id'], timeoutMs, env, spawn });
}

/** A dead process that nobody has waited for is at work no more. */
function isAtWork(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a program that transcribes', () => {
  it('gets its arguments and the file unchanged, and its output is the text', async () => {
    const file = note();
    expect(await program('printf "%s|" "$@"').transcribe(file, never)).toBe(`--language|de;id|${file}|`);
  });

  it('sees none of the host’s keys', async () => {
    process.env.TRANSCRIBE_API_KEY = 'sk-secret';
    onTestFinished(() => void delete process.env.TRANSCRIBE_API_KEY);
    expect(await program('env').transcribe(note(), never)).not.toContain('sk-secret');
  });

  it.each([
    ['fails', 'echo "no model" >&2; exit 3', /exited with code 3: no model/],
    ['says nothing', 'echo', /found no words/],
  ])('a program that %s is an error', async (_, script, reason) => {
    await expect(program(script).transcribe(note(), never)).rejects.toThrow(reason);
  });

  it('a program that hangs is ended', async () => {
    await expect(program('exec sleep 60', 100).transcribe(note(), never)).rejects.toThrow(/was ended/);
  });

  it('a hanging process that the program started is ended with it', async () => {
    const pidFile = join(temporaryDirectory(), 'pid');
    const hanging = program(`sleep 60 & echo $! > '${pidFile}'; wait`, 2_000);
    await expect(hanging.transcribe(note(), never)).rejects.toThrow(/was ended/);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await vi.waitFor(() => expect(isAtWork(pid)).toBe(false));
  });

  it('a process that the program started does not delay the stop of the host', async () => {
    const abort = new AbortController();
    const pidFile = join(temporaryDirectory(), 'pid');
    const words = program(`sleep 60 & echo $! > '${pidFile}'; wait`).transcribe(note(), abort.signal);
    const ended = expect(words).rejects.toThrow();
    await vi.waitFor(() => expect(readFileSync(pidFile, 'utf8')).not.toBe(''));
    abort.abort();
    await ended;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await vi.waitFor(() => expect(isAtWork(pid)).toBe(false));
  });

  it('a program that does not exist is an error', async () => {
    const missing = new CommandTranscriber({
      command: ['/no/such/program'],
      timeoutMs: 1_000,
      env: {},
      spawn,
    });
    await expect(missing.transcribe(note(), never)).rejects.toThrow(/ENOENT/);
  });

  it('a program that floods its output is read to the end, and the text is cut', async () => {
    const text = await program('yes talk | head -c 3000000').transcribe(note(), never);
    expect(text.length).toBeLessThanOrEqual(20_000);
  });
});
