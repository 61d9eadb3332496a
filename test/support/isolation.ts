import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { TurnRequest } from '../../src/agent/agent.ts';
import { pathsAt } from '../../src/paths.ts';
import {
  PACKAGE_ROOT,
  sharedDirectory,
  type TestAgent,
  type TestAgentOptions,
  testAgent,
} from './sandbox.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

/** Runs inside: tries each line of JavaScript, and answers with what came of it. */
function probe(attempts: Readonly<Record<string, string>>): string {
  return `
    import fs from 'node:fs';
    import os from 'node:os';
    import net from 'node:net';
    import { execFileSync } from 'node:child_process';
    const attempts = ${JSON.stringify(attempts)};
    const found = {};
    const AsyncFunction = (async () => {}).constructor;
    for (const [name, code] of Object.entries(attempts)) {
      try {
        const value = await new AsyncFunction('fs', 'os', 'net', 'execFileSync', 'return (' + code + ')')(fs, os, net, execFileSync);
        found[name] = value === undefined ? 'done' : value;
      } catch (error) { found[name] = error.code ?? error.message; }
    }
    process.stdout.write('---NANOCLAW_OUTPUT_START---\\n' + JSON.stringify({ status: 'success', result: JSON.stringify(found) }) + '\\n---NANOCLAW_OUTPUT_END---\\n');
  `;
}

/**
 * Runs expressions of JavaScript inside a sandbox.
 * @returns their values by name; where one threw, its error's code or message
 */
export async function look(
  base: TestAgentOptions,
  attempts: Readonly<Record<string, string>>,
  options: TestAgentOptions = {},
  change: Partial<TurnRequest> = {},
  before: (agent: TestAgent) => Promise<void> = async () => undefined,
): Promise<{ found: Record<string, unknown>; agent: TestAgent }> {
  const agent = await testAgent({ ...base, ...options, program: probe(attempts) });
  await before(agent);
  const { outcome, results } = await agent.turn('x', change);
  expect(outcome).toMatchObject({ reason: 'exited', exitCode: 0, error: undefined });
  return { found: JSON.parse(results[0] ?? '{}'), agent };
}

/**
 * What every sandbox must keep, whichever runtime makes it.
 * @param base how the tests' agents are made
 */
export function describeIsolation(base: TestAgentOptions): void {
  describe('an agent inside the sandbox', () => {
    it('the agent is uid 1000 with a name, without capabilities, and cannot get any', async () => {
      const { found } = await look(base, {
        uid: 'process.getuid()',
        name: 'os.userInfo().username',
        home: 'os.homedir()',
        directory: 'process.cwd()',
        capabilities: "fs.readFileSync('/proc/self/status', 'utf8').match(/CapEff:\\s*(\\w+)/)[1]",
        newPrivileges: "fs.readFileSync('/proc/self/status', 'utf8').match(/NoNewPrivs:\\s*(\\w+)/)[1]",
        mount: "execFileSync('mount', ['-t', 'tmpfs', 'x', '/tmp'], { stdio: 'pipe' })",
        unshare: "execFileSync('unshare', ['--user', 'true'], { stdio: 'pipe' })",
        chown: "fs.chownSync('/workspace/group', 0, 0)",
        shadow: "fs.readFileSync('/etc/shadow', 'utf8')",
      });
      expect(found).toMatchObject({
        uid: 1000,
        name: 'node',
        home: '/home/node',
        directory: '/workspace/group',
        capabilities: '0000000000000000',
        newPrivileges: '1',
        chown: expect.stringMatching(/EPERM|EINVAL/),
        shadow: expect.stringMatching(/ENOENT|EACCES/),
      });
      expect(found.mount).toMatch(/permission denied|must be superuser/i);
      expect(found.unshare).toMatch(/unshare failed/);
    });

    it('no privilege can be gained: tracing, users, devices, raw sockets, mounts and namespaces are refused', async () => {
      const { found } = await look(base, {
        calls: `JSON.parse(execFileSync('perl', ['-e', ${JSON.stringify(SYSTEM_CALLS)}], { encoding: 'utf8' }))`,
        device: "execFileSync('mknod', ['/tmp/device', 'c', '1', '3'], { stdio: 'pipe' })",
        setuid: 'process.setuid(0)',
        setgid: 'process.setgid(0)',
        groups: 'process.setgroups([0])',
        setuidProgram:
          "execFileSync('sh', ['-c', 'cp /bin/sh /tmp/sh && chmod 6755 /tmp/sh && /tmp/sh -pc \"id -u\"'], { encoding: 'utf8' }).trim()",
        kernelSetting: "fs.writeFileSync('/proc/sys/kernel/core_pattern', 'x')",
        hostname: "execFileSync('hostname', ['other'], { stdio: 'pipe' })",
        limit: "execFileSync('bash', ['-c', 'ulimit -Hn 1000000'], { stdio: 'pipe' })",
        remount: "execFileSync('mount', ['-o', 'remount,rw', '/'], { stdio: 'pipe' })",
      });
      const { calls, ...others } = found;
      const { ordinaryFchmodat, ...refused } = calls as Record<string, string>;
      expect(ordinaryFchmodat).toBe('allowed');
      const refusals = Object.entries(refused);
      expect(refusals.filter(([, answer]) => !/^E(PERM|ACCES|NOSYS|SRCH|AFNOSUPPORT)$/.test(answer))).toEqual(
        [],
      );
      expect(refusals.length).toBeGreaterThan(15);
      for (const name of ['ptraceInit', 'ptraceChild', 'ptraceMe', 'rawSocket', 'vmSocket', 'setuidFchmodat'])
        expect(calls).toHaveProperty(name, 'EPERM');
      expect(others).toMatchObject({
        // EINVAL: in its user namespace there is no such user.
        setuid: expect.stringMatching(/EPERM|EINVAL/),
        setgid: expect.stringMatching(/EPERM|EINVAL/),
        groups: 'EPERM',
        setuidProgram: expect.stringMatching(/Operation not permitted/),
        kernelSetting: expect.stringMatching(/EACCES|EROFS|EPERM/),
      });
      expect(others.device).toMatch(/Operation not permitted/);
      expect(others.hostname).toMatch(/not permitted|must be root|ENOENT/i);
      expect(others.limit).toMatch(/not permitted|Invalid argument/i);
      expect(others.remount).toMatch(/permission denied|must be superuser|not permitted/i);
    });

    it('no extra directory shows the host’s code or state, nor what they lie in, whatever the allowlist says', async () => {
      const paths = pathsAt(sharedDirectory(), sharedDirectory());
      const fine = sharedDirectory();
      const requested = [
        ...['src', '.git', 'node_modules', 'groups', 'logs', '.', '..'].map((name) =>
          join(PACKAGE_ROOT, name),
        ),
        ...[paths.root, paths.groups, paths.store, paths.data, dirname(paths.root), paths.userConfig],
        ...['/', '/proc', '/run', '/dev'],
      ];
      const extra = [...requested, fine].map((hostPath, index) => ({
        hostPath,
        containerPath: hostPath === fine ? 'fine' : `m${index}`,
        readonly: false,
      }));
      const { found } = await look(
        base,
        {
          seen: "fs.readdirSync('/workspace/extra')",
          write: "fs.writeFileSync('/workspace/extra/fine/x', '')",
        },
        { paths },
        { isMain: true, groupFolder: 'main', containerConfig: { additionalMounts: extra } },
        async () => {
          await mkdir(paths.userConfig, { recursive: true });
          await chmod(fine, 0o777);
          const allowedRoots = [{ path: '/', allowReadWrite: true }];
          await writeFile(paths.mountAllowlist, JSON.stringify({ allowedRoots }));
        },
      );
      expect(found).toEqual({ seen: ['fine'], write: 'done' });
    });

    it('only the group, its sessions, its mailbox and temporary places are writable', async () => {
      const write = (path: string) => `fs.writeFileSync('${path}/probe', 'x')`;
      const { found } = await look(base, {
        group: write('/workspace/group'),
        messages: write('/workspace/ipc/messages'),
        tasks: write('/workspace/ipc/tasks'),
        input: write('/workspace/ipc/input'),
        files: write('/workspace/ipc/files'),
        sessions: write('/home/node/.claude'),
        home: write('/home/node'),
        temporary: write('/tmp'),
        root: write('/'),
        workspace: write('/workspace'),
        app: write('/app'),
        usr: write('/usr'),
        etc: write('/etc'),
        logs: write('/workspace/group/logs'),
        ipc: write('/workspace/ipc'),
        results: write('/workspace/ipc/results'),
        global: write('/workspace/global'),
        environment: write('/workspace/env-dir'),
        attachments: write('/workspace/attachments'),
        project: "fs.existsSync('/workspace/project') ? fs.readdirSync('/workspace/project') : []",
      });
      const open = ['group', 'messages', 'tasks', 'input', 'files', 'sessions', 'home', 'temporary'];
      const closed = [
        ...['root', 'workspace', 'app', 'usr', 'etc', 'logs', 'ipc', 'results'],
        ...['global', 'environment', 'attachments'],
      ];
      expect(found).toEqual({
        ...Object.fromEntries(open.map((name) => [name, 'done'])),
        ...Object.fromEntries(closed.map((name) => [name, 'EROFS'])),
        project: [],
      });
    });

    it('the agent can plant nothing where the host writes, and can replace no mount', async () => {
      const { found } = await look(base, {
        replaceMessages: "fs.renameSync('/workspace/ipc/messages', '/workspace/ipc/files/gone')",
        removeTasks: "fs.rmdirSync('/workspace/ipc/tasks')",
        plantSnapshot: "fs.symlinkSync('/etc/passwd', '/workspace/ipc/current_tasks.json')",
        plantResult: "fs.symlinkSync('/etc/passwd', '/workspace/ipc/results/x.json')",
        replaceLogs: "fs.renameSync('/workspace/group/logs', '/workspace/group/old')",
        removeLogs: "fs.rmdirSync('/workspace/group/logs')",
        linkAcross: "fs.linkSync('/workspace/env-dir/env', '/workspace/group/env')",
      });
      expect(found).toEqual({
        replaceMessages: expect.stringMatching(/EXDEV|EBUSY|EROFS/),
        removeTasks: expect.stringMatching(/EBUSY|EROFS/),
        plantSnapshot: 'EROFS',
        plantResult: 'EROFS',
        replaceLogs: 'EBUSY',
        removeLogs: 'EBUSY',
        linkAcross: 'EXDEV',
      });
    });

    it('the network cannot be reached, not even the host’s own loopback', async () => {
      const { found } = await look(base, {
        interfaces: 'Object.keys(os.networkInterfaces()).filter((name) => name !== "lo")',
        connect:
          "await new Promise((resolve) => net.connect(80, '192.0.2.1').on('error', (error) => resolve(error.code)).on('connect', () => resolve('connected')))",
      });
      expect(found).toEqual({ interfaces: [], connect: 'ENETUNREACH' });
    });

    it('the host’s processes and its environment cannot be seen', async () => {
      process.env.NANOCLAW_TEST_CANARY = 'canary-7261';
      const { found } = await look(base, {
        environment: 'JSON.stringify(process.env)',
        processes:
          "fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map((pid) => fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8')).join('|')",
        environments:
          "fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map((pid) => { try { return fs.readFileSync('/proc/' + pid + '/environ', 'utf8') } catch { return '' } }).join('|')",
      });
      delete process.env.NANOCLAW_TEST_CANARY;
      expect(JSON.stringify(found)).not.toContain('canary-7261');
      expect(found.processes).not.toContain('vitest');
    });

    it('a process that multiplies hits a limit, and the turn continues', async () => {
      // One shell that forks: hundreds of programs one after the other take a minute on a busy machine.
      const forks = 'n=0; while [ $n -lt 700 ]; do sleep 600 >/dev/null 2>&1 & n=$((n + 1)); done';
      const bomb = `(() => { try { execFileSync('sh', ['-c', '${forks}'], { stdio: 'pipe' }); return 'unlimited'; } catch (error) { return String(error.stderr); } })()`;
      const { found } = await look(base, { bomb });
      expect(found.bomb).toMatch(/cannot fork|resource temporarily unavailable/i);
    });

    it('main sees the project read-only, without its secrets, and may write what all groups share', async () => {
      const { found } = await look(
        base,
        {
          project: "fs.readdirSync('/workspace/project').sort()",
          source: "fs.existsSync('/workspace/project/src/paths.ts')",
          groups: "fs.readdirSync('/workspace/project/groups').sort()",
          write: "fs.writeFileSync('/workspace/project/src/x', 'x')",
          plant: "fs.writeFileSync('/workspace/project/x', 'x')",
          global: "fs.writeFileSync('/workspace/global/CLAUDE.md', 'x')",
        },
        {},
        { isMain: true, groupFolder: 'main' },
      );
      expect(found).toMatchObject({ source: true, write: 'EROFS', plant: 'EROFS', global: 'done' });
      expect(found.groups).toEqual(['global', 'main']);
      expect(found.project).toEqual(expect.arrayContaining(['container', 'groups', 'package.json', 'src']));
      expect(found.project).not.toEqual(expect.arrayContaining(['.env']));
      for (const name of ['.env', 'data', 'store', 'logs', 'node_modules', '.git']) {
        expect(found.project).not.toContain(name);
      }
    });

    it('extra directories are there only as far as the allowlist allows them', async () => {
      const paths = pathsAt(sharedDirectory(), sharedDirectory());
      const projects = sharedDirectory();
      await mkdir(paths.userConfig, { recursive: true });
      for (const name of ['open', 'closed', 'open/.ssh'])
        await mkdir(join(projects, name), { recursive: true });
      await writeFile(join(projects, 'open', 'file'), 'hello');
      await writeFile(
        paths.mountAllowlist,
        JSON.stringify({ allowedRoots: [{ path: join(projects, 'open'), allowReadWrite: true }] }),
      );
      const additionalMounts = ['open', 'closed', 'open/.ssh'].map((name) => ({
        hostPath: join(projects, name),
        containerPath: name.replace(/\W/g, '-'),
        readonly: false,
      }));
      const attempts = {
        extra: "fs.readdirSync('/workspace/extra')",
        read: "fs.readFileSync('/workspace/extra/open/file', 'utf8')",
        write: "fs.writeFileSync('/workspace/extra/open/file', 'x')",
      };
      const { found } = await look(base, attempts, { paths }, { containerConfig: { additionalMounts } });
      expect(found).toEqual({ extra: ['open'], read: 'hello', write: 'EROFS' });
    });
  });

  describe('the files outside the sandbox', () => {
    it('an agent that closes its own directories has them again in its next turn', async () => {
      const closed = [
        '/workspace/group',
        '/workspace/ipc/messages',
        '/workspace/ipc/input',
        '/home/node/.claude',
      ];
      const close = Object.fromEntries(closed.map((path) => [path, `fs.chmodSync('${path}', 0)`]));
      const { agent, found } = await look(base, close);
      expect(new Set(Object.values(found))).toEqual(new Set(['done']));
      const write = Object.fromEntries(closed.map((path) => [path, `fs.writeFileSync('${path}/again', '')`]));
      const again = await look(base, write, { paths: agent.paths });
      expect(new Set(Object.values(again.found))).toEqual(new Set(['done']));
    });

    it('files of the agent belong to its user, and files that the host made are given to that user', async () => {
      const { found, agent } = await look(
        base,
        { append: "fs.appendFileSync('/workspace/group/CLAUDE.md', 'more')" },
        {},
        {},
        async ({ paths }) => {
          await mkdir(paths.group('family'), { recursive: true });
          await writeFile(join(paths.group('family'), 'CLAUDE.md'), 'template\n');
        },
      );
      expect(found).toEqual({ append: 'done' });
      expect(await readFile(join(agent.paths.group('family'), 'CLAUDE.md'), 'utf8')).toBe('template\nmore');
    });

    it('files that cannot be deleted from input/ are moved out of reach', async () => {
      const deep =
        "(() => { process.chdir('/workspace/ipc/input'); for (let n = 0; n < 60; n++) { fs.mkdirSync('d'.repeat(100)); process.chdir('d'.repeat(100)); } })()";
      const { agent } = await look(base, { deep });
      const input = join(agent.paths.groupIpc('family'), 'input');
      expect(await readdir(input)).toHaveLength(1);
      expect((await agent.turn('x')).outcome.reason).toBe('exited');
      expect(await readdir(join(agent.paths.ipcErrors, 'family'))).toHaveLength(1);
      // Deeper than the test's own cleaning can reach.
      await promisify(execFile)('rm', ['-rf', agent.paths.ipcErrors, input]);
    });
  });
}
