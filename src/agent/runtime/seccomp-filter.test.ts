import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../test/support/sandbox.ts';
import { seccompFilter } from './seccomp-filter.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;

const ENOSYS = 0x00050026;

/** What the kernel would answer: see seccomp(2). */
function ask(filter: Buffer, audit: number, number: number, args: readonly number[] = []): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(audit, 4);
  for (const [index, value] of args.entries()) data.writeUInt32LE(value, 16 + 8 * index);
  let accumulator = 0;
  for (let index = 0; ; index += 1) {
    const code = filter.readUInt16LE(index * 8);
    const value = filter.readUInt32LE(index * 8 + 4);
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else {
      const isTrue =
        code === 0x15
          ? accumulator === value
          : code === 0x45
            ? (accumulator & value) !== 0
            : accumulator >= value;
      index += filter.readUInt8(index * 8 + (isTrue ? 2 : 3));
    }
  }
}

describe('the filter of system calls', () => {
  it.each([
    [
      'x64',
      0xc000003e,
      { ptrace: 101, mount: 165, bpf: 321, mount_setattr: 442 },
      { read: 0, clone: 56, openat: 257 },
    ],
    [
      'arm64',
      0xc00000b7,
      { ptrace: 117, mount: 40, bpf: 280, umount2: 39 },
      { read: 63, clone: 220, openat: 56 },
    ],
  ])(
    'refuses on %s the calls that reach out of the sandbox, and no others',
    (arch, audit, refused, allowed) => {
      const filter = seccompFilter(arch) ?? Buffer.alloc(0);
      for (const number of Object.values(refused)) expect(ask(filter, audit, number)).toBe(EPERM);
      for (const number of Object.values(allowed)) expect(ask(filter, audit, number)).toBe(ALLOW);
    },
  );

  it.each([
    [
      'x64',
      0xc000003e,
      { chmod: [90, 1], fchmod: [91, 1], mknod: [133, 1], fchmodat: [268, 2], creat: [85, 1] },
      [2, 257],
      41,
    ],
    [
      'arm64',
      0xc00000b7,
      { fchmod: [52, 1], mknodat: [33, 2], fchmodat: [53, 2], fchmodat2: [452, 2] },
      [56],
      198,
    ],
  ] as const)(
    'refuses on %s setuid and setgid files, and sockets of other families',
    (arch, audit, calls, opens, socket) => {
      const filter = seccompFilter(arch) ?? Buffer.alloc(0);
      const answer = (number: number, at: number, mode: number, flags?: number): number => {
        const args = Array.from({ length: 6 }, () => 0);
        args[at] = mode;
        if (flags !== undefined) args[at - 1] = flags;
        return ask(filter, audit, number, args);
      };
      for (const [number, at] of Object.values(calls)) {
        expect([0o4755, 0o2755, 0o6000].map((mode) => answer(number, at, mode))).toEqual([
          EPERM,
          EPERM,
          EPERM,
        ]);
        expect([0o755, 0o1777, 0].map((mode) => answer(number, at, mode))).toEqual([ALLOW, ALLOW, ALLOW]);
      }
      for (const number of opens) {
        const at = number === 2 ? 2 : 3;
        const [create, temporary, read] = [0o101, 0o20200002, 0];
        expect(answer(number, at, 0o4755, create)).toBe(EPERM);
        expect(answer(number, at, 0o2755, temporary)).toBe(EPERM);
        // Without a new file the mode is whatever the register held.
        expect(answer(number, at, 0o4755, read)).toBe(ALLOW);
        expect(answer(number, at, 0o644, create)).toBe(ALLOW);
      }
      expect(ask(filter, audit, 437)).toBe(ENOSYS);
      const families = [1, 2, 10, 16, 17, 38, 40].map((family) => ask(filter, audit, socket, [family]));
      expect(families).toEqual([ALLOW, ALLOW, ALLOW, ALLOW, EPERM, EPERM, EPERM]);
    },
  );

  it('refuses every call of another architecture and of x32', () => {
    const filter = seccompFilter('x64') ?? Buffer.alloc(0);
    expect(ask(filter, 0x40000003, 3)).toBe(EPERM);
    expect(ask(filter, 0xc000003e, 0x40000000)).toBe(EPERM);
  });

  it('is missing where the call numbers are not known', () => {
    expect(seccompFilter('riscv64')).toBeUndefined();
  });
});

describe('the engines’ profile of system calls', () => {
  it('allows only listed calls, and none that reaches into processes, mounts or the kernel', async () => {
    const profile = JSON.parse(await readFile(join(PACKAGE_ROOT, 'container', 'seccomp.json'), 'utf8'));
    expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO');
    const open: string[] = profile.syscalls
      .filter(
        ({ action, args }: { action: string; args?: unknown }) =>
          action === 'SCMP_ACT_ALLOW' && args === undefined,
      )
      .flatMap(({ names }: { names: string[] }) => names);
    expect(open).toEqual(
      expect.arrayContaining(['read', 'close', 'execve', 'epoll_wait', 'prctl', 'seccomp']),
    );
    for (const name of [
      'ptrace',
      'mount',
      'unshare',
      'setns',
      'bpf',
      'keyctl',
      'clone',
      'socket',
      'io_uring_setup',
      ...['chmod', 'fchmodat2', 'mknodat', 'openat', 'openat2'],
    ])
      expect(open).not.toContain(name);
  });
});
