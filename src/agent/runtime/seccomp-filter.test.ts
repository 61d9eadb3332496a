import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../test/support/sandbox.ts';
import { seccompFilter } from './seccomp-filter.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;

/** What the kernel would answer: see seccomp(2). */
function ask(filter: Buffer, audit: number, number: number): number {
  let accumulator = 0;
  for (let index = 0; ; index += 1) {
    const code = filter.readUInt16LE(index * 8);
    const value = filter.readUInt32LE(index * 8 + 4);
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = value === 4 ? audit : number;
    else {
      const isTrue = code === 0x15 ? accumulator === value : accumulator >= value;
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
      expect.arrayContaining(['read', 'openat', 'execve', 'epoll_wait', 'prctl', 'seccomp']),
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
    ])
      expect(open).not.toContain(name);
  });
});
