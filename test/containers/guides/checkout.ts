import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { PACKAGE_ROOT, sharedDirectory } from '../../support/sandbox.ts';
import { type EngineKind, engine } from '../engine-agent.ts';
import { TEST_IMAGE } from '../image.ts';

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory in which an operator stands, as it is after the clone and the first look into the README. */
export interface Checkout {
  readonly path: string;
  /** Runs a guide's command with bash, with the few words exchanged that a test must exchange. */
  run(command: string, input?: string): Promise<Output>;
}

let checkouts = 0;

/**
 * @param kind the engine that runs what the guides run with Docker
 * @param keys variables for `.env`, which is a copy of `.env.example` otherwise
 * @param owner uid and gid of what the commands mount; containers run as 1000
 */
export async function newCheckout(
  kind: EngineKind,
  keys: Readonly<Record<string, string>>,
  owner: number,
): Promise<Checkout> {
  const path = sharedDirectory();
  checkouts += 1;
  const label = `nanoclaw.guides=${process.pid}-${checkouts}`;
  const example = (await readFile(join(PACKAGE_ROOT, '.env.example'), 'utf8'))
    .split('\n')
    // The key decides who answers.
    .filter((line) => !line.startsWith('AGENT_PROVIDER='));
  const lines = Object.entries(keys).map(([name, value]) => `${name}=${value}`);
  await writeFile(join(path, '.env'), [...example, ...lines, ''].join('\n'));
  for (const directory of ['groups', 'groups/test', 'data', 'data/ipc', 'data/env', 'data/sessions']) {
    await mkdir(join(path, directory));
    await chown(join(path, directory), owner, owner);
  }
  onTestFinished(async () => {
    const left = await engine(kind, 'ps', '--all', '--quiet', '--filter', `label=${label}`);
    if (left !== '') await engine(kind, 'rm', '--force', ...left.split('\n'));
  });
  const exchange = (command: string) =>
    command
      .replaceAll('nanoclaw-agent:latest', TEST_IMAGE)
      // The model's service is on this machine's loopback; and what a command leaves behind must be found again.
      .replaceAll('docker run', `docker run --network host --label ${label}`)
      .replaceAll(/\bdocker (?=run|images|info)/g, `${kind} `);
  return {
    path,
    run: async (command, input = '') => {
      const child = spawn('bash', ['-c', exchange(command)], {
        cwd: path,
        env: { ...process.env, HOME: path },
      });
      // Few commands read it, and one that has ended takes nothing more.
      child.stdin.on('error', () => undefined);
      child.stdin.end(input);
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      return { code, stdout, stderr };
    },
  };
}

/**
 * Runs a guide's script as it is. The programs `docker` and `container` are the engine, with the tests' image in the place
 * of the one that people build.
 */
export async function runScript(kind: EngineKind, root: string, script: string): Promise<Output> {
  const programs = sharedDirectory();
  const found = (await promisify(execFile)('bash', ['-c', `command -v ${kind}`])).stdout.trim();
  const docker = join(programs, 'docker');
  await writeFile(
    docker,
    `#!/bin/bash
[ "$*" = "system status" ] && exec ${found} info
[ "$1" = run ] && set -- run --rm "\${@:2}"
exec ${found} "\${@//nanoclaw-agent:latest/${TEST_IMAGE}}"
`,
  );
  await chmod(docker, 0o755);
  await copyFile(docker, join(programs, 'container'));
  const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` };
  const child = spawn('bash', ['-c', script], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, stdout, stderr };
}
