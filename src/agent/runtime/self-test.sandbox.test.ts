import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { chooseTestRuntime, sharedDirectory } from '../../../test/support/sandbox.ts';
import { selfTestAs } from '../../../test/support/self-test-as.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import { pathsAt } from '../../paths.ts';
import { childExit } from './child-exit.ts';
import type { Runtime, SandboxSpec } from './runtime.ts';
import { testRuntime } from './self-test.ts';

const hostUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

async function newPaths() {
  const paths = pathsAt(sharedDirectory());
  await mkdir(paths.groups);
  await mkdir(paths.data);
  return paths;
}

/** A sandbox that is none: a program of the host's, for what a sandbox may say. */
function pretending(program: string, args: readonly string[]): Runtime {
  return {
    kind: 'docker',
    description: 'pretending',
    owner: undefined,
    shortcomings: [],
    check: async () => undefined,
    start: async (_: SandboxSpec) => {
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
      return {
        child,
        exited: childExit(child),
        command: [program],
        terminate: async () => undefined,
        startFailure: (code) =>
          code === 125 ? { error: 'the engine has no image', retryable: false } : undefined,
        ranOutOfMemory: async () => false,
        dispose: async () => undefined,
      };
    },
    kill: async () => undefined,
    listOwn: async () => [],
    imageSource: async () => undefined,
  };
}

async function findingsOf(runtime: Runtime) {
  return testRuntime({ runtime, paths: await newPaths(), installId: '0a1b2c3d', hostUser, log: silentLog });
}

describe('the self-test of a runtime', () => {
  it('passes in the sandbox of these tests, or says that it is none', async () => {
    const paths = await newPaths();
    const runtime = await chooseTestRuntime({ installId: '0a1b2c3d', paths, log: silentLog });
    const findings = await testRuntime({
      ...{ runtime, paths, installId: '0a1b2c3d', hostUser, log: silentLog },
    });
    if (runtime.kind === 'plain-process') {
      expect(findings).toEqual([
        expect.objectContaining({ name: 'sandbox', ok: false, cure: expect.stringMatching(/Install/) }),
      ]);
      return;
    }
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(findings).toHaveLength(6 + runtime.shortcomings.length);
    expect(await runtime.listOwn()).toEqual([]);
  });

  it('warns of what the runtime cannot do here', async () => {
    const seen = { uid: 1000, name: 'node', capabilities: '0', noNewPrivileges: '1' };
    const said = `NANOCLAW_SELF_TEST ${JSON.stringify({ ...seen, writable: { group: 'EACCES' }, readonly: {} })}`;
    const shortcomings = [{ what: 'memory is not limited', cure: 'Use Docker' }];
    const findings = await findingsOf({ ...pretending('echo', [said]), shortcomings });
    expect(findings.at(-1)).toEqual({
      ...{ name: 'limits', ok: true, detail: 'memory is not limited', cure: 'Use Docker' },
    });
  });

  it('says why a sandbox did not start', async () => {
    const [finding, ...others] = await findingsOf(pretending('sh', ['-c', 'exit 125']));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ name: 'sandbox starts', ok: false, detail: 'the engine has no image' });
  });

  it.each([
    ['sh', ['-c', 'echo broken >&2; exit 3'], 'exit code 3: broken'],
    ['sh', ['-c', 'echo "NANOCLAW_SELF_TEST {}"; exit 0'], 'exit code 0: it said nothing'],
    ['/nonexistent/program', [], /ENOENT/],
  ])('fails for a sandbox that runs %s %j', async (program, args, detail) => {
    const [finding] = await findingsOf(pretending(program, args));
    expect(finding).toMatchObject({ ok: false, detail: expect.stringMatching(detail) });
  });

  it('names what is open that should be closed, and what is closed that should be open', async () => {
    const seen = {
      uid: 0,
      name: 'root',
      capabilities: '00000000a80425fb',
      noNewPrivileges: '0',
      writable: { group: '', messages: 'EACCES' },
      readonly: { '/': '', logs: 'EROFS' },
    };
    const said = `NANOCLAW_SELF_TEST ${JSON.stringify(seen)}`;
    const findings = await findingsOf(pretending('echo', [said]));
    expect(findings.map(({ ok }) => ok)).toEqual([true, false, false, false, false, false]);
    expect(findings.map(({ detail }) => detail).slice(1)).toEqual([
      'uid 0 (root)',
      'capabilities 00000000a80425fb, no new privileges 0',
      'refused: messages EACCES',
      'written: /',
      'what it wrote is not on the host (ENOENT)',
    ]);
    for (const { ok, cure } of findings) expect(cure === undefined).toBe(ok);
  });
});

// Only root can be somebody else; anybody else is another user already.
const users =
  hostUser.uid === 0 ? [undefined, { uid: 1000, gid: 1000 }, { uid: 1234, gid: 1234 }] : [undefined];

describe.each(users)('a host that is %j', (user) => {
  it('passes with bubblewrap or says why it cannot be used, and leaves nothing behind', async () => {
    const tested = await selfTestAs('bubblewrap', user).catch((error: Error) => error);
    if (tested instanceof Error) {
      expect(process.env.TEST_SANDBOX).not.toBe('required');
      expect(tested.message).toMatch(/RuntimeUnavailableError|UnreachableError/);
      return;
    }
    expect(tested.findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(tested.findings.filter(({ cure }) => cure === undefined)).toHaveLength(6);
    expect(tested.leftovers).toEqual([]);
  });
});
