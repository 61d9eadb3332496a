/**
 * A program for the kernel's system call filter, for sandboxes that no engine gives one: what could reach into another
 * process or change mounts, namespaces, keys or the kernel is refused with EPERM, and so are files that are setuid or setgid
 * for the whole machine, and sockets of other families than those of `container/seccomp.json`. See seccomp(2) and bpf(2).
 */

/** A call that can give a file its mode. */
interface ModeCall {
  readonly number: number;
  /** Which argument holds the mode. */
  readonly mode: number;
  /** Which argument holds the flags of open(2), where the mode counts for a new file only. */
  readonly flags?: number;
}

interface Architecture {
  /** AUDIT_ARCH_*: see linux/audit.h. */
  readonly audit: number;
  /** The numbers of what is refused: see asm/unistd.h. */
  readonly refused: readonly number[];
  readonly modes: readonly ModeCall[];
  readonly socket: number;
}

/** Since Linux 5.1 new calls have one number everywhere. */
const REFUSED_EVERYWHERE = {
  io_uring_setup: 425,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_getfd: 438,
  mount_setattr: 442,
} as const;

const REFUSED_X64 = {
  ptrace: 101,
  syslog: 103,
  pivot_root: 155,
  chroot: 161,
  acct: 163,
  mount: 165,
  umount2: 166,
  swapon: 167,
  swapoff: 168,
  reboot: 169,
  init_module: 175,
  delete_module: 176,
  quotactl: 179,
  kexec_load: 246,
  add_key: 248,
  request_key: 249,
  keyctl: 250,
  unshare: 272,
  perf_event_open: 298,
  open_by_handle_at: 304,
  setns: 308,
  process_vm_readv: 310,
  process_vm_writev: 311,
  kcmp: 312,
  finit_module: 313,
  kexec_file_load: 320,
  bpf: 321,
  userfaultfd: 323,
} as const;

const REFUSED_ARM64 = {
  umount2: 39,
  mount: 40,
  pivot_root: 41,
  chroot: 51,
  quotactl: 60,
  acct: 89,
  unshare: 97,
  kexec_load: 104,
  init_module: 105,
  delete_module: 106,
  syslog: 116,
  ptrace: 117,
  reboot: 142,
  add_key: 217,
  request_key: 218,
  keyctl: 219,
  swapon: 224,
  swapoff: 225,
  perf_event_open: 241,
  open_by_handle_at: 265,
  setns: 268,
  process_vm_readv: 270,
  process_vm_writev: 271,
  kcmp: 272,
  finit_module: 273,
  bpf: 280,
  userfaultfd: 282,
  kexec_file_load: 294,
} as const;

const FCHMODAT2: ModeCall = { number: 452, mode: 2 };

const MODES_X64 = {
  open: { number: 2, mode: 2, flags: 1 },
  creat: { number: 85, mode: 1 },
  chmod: { number: 90, mode: 1 },
  fchmod: { number: 91, mode: 1 },
  mknod: { number: 133, mode: 1 },
  openat: { number: 257, mode: 3, flags: 2 },
  mknodat: { number: 259, mode: 2 },
  fchmodat: { number: 268, mode: 2 },
  fchmodat2: FCHMODAT2,
} as const;

const MODES_ARM64 = {
  mknodat: { number: 33, mode: 2 },
  fchmod: { number: 52, mode: 1 },
  fchmodat: { number: 53, mode: 2 },
  openat: { number: 56, mode: 3, flags: 2 },
  fchmodat2: FCHMODAT2,
} as const;

/** Its mode lies in memory, where a filter cannot look: libraries that are told ENOSYS use openat. */
const OPENAT2 = 437;

/** UNIX, INET, INET6 and NETLINK. */
const SOCKET_FAMILIES = [1, 2, 10, 16] as const;

const everywhere = Object.values(REFUSED_EVERYWHERE);
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    refused: [...Object.values(REFUSED_X64), ...everywhere],
    modes: Object.values(MODES_X64),
    socket: 41,
  },
  arm64: {
    audit: 0xc00000b7,
    refused: [...Object.values(REFUSED_ARM64), ...everywhere],
    modes: Object.values(MODES_ARM64),
    socket: 198,
  },
};

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_NOT_LESS = 0x35;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Offsets in struct seccomp_data, in bytes; of an argument its lower half. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const SETUID_OR_SETGID = 0o6000;
/** O_CREAT and the bit of O_TMPFILE that is its own. */
const NEW_FILE = 0o100 | 0o20000000;

/** x32 calls have this bit set and other numbers. */
const X32 = 0x40000000;

const ALLOW = 0x7fff0000;
const EPERM = 0x00050000 | 1;
const ENOSYS = 0x00050000 | 38;

/** Where a jump leads: to one of the answers, or on to the next instruction. */
type Target = 'allow' | 'refuse' | 'unknown' | 'next' | 'skip';

interface Instruction {
  readonly code: number;
  readonly value: number;
  readonly ifTrue?: Target;
  readonly ifFalse?: Target;
}

const load = (offset: number): Instruction => ({ code: LOAD_WORD, value: offset });
const jump = (code: number, value: number, ifTrue: Target, ifFalse: Target): Instruction => ({
  code,
  value,
  ifTrue,
  ifFalse,
});

/** Instructions for one call, which every other call skips; each path through them ends in an answer. */
function forCall(number: number, instructions: readonly Instruction[]): readonly Instruction[] {
  return [jump(JUMP_IF_EQUAL, number, 'next', 'skip'), ...instructions];
}

function modeCheck({ number, mode, flags }: ModeCall): readonly Instruction[] {
  return forCall(number, [
    ...(flags === undefined ? [] : [load(argument(flags)), jump(JUMP_IF_ANY_BIT, NEW_FILE, 'next', 'allow')]),
    load(argument(mode)),
    jump(JUMP_IF_ANY_BIT, SETUID_OR_SETGID, 'refuse', 'allow'),
  ]);
}

/**
 * The filter as bwrap's `--seccomp` reads it.
 * @param arch as `process.arch` names it
 * @returns undefined for an architecture whose numbers are not known
 */
export function seccompFilter(arch: string): Buffer | undefined {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) return undefined;
  const { audit, refused, modes, socket } = architecture;
  const families = SOCKET_FAMILIES.map((family) => jump(JUMP_IF_EQUAL, family, 'allow', 'next'));
  // Only within a block is anything skipped: up to its end.
  const blocks: readonly (readonly Instruction[])[] = [
    [
      load(ARCHITECTURE),
      jump(JUMP_IF_EQUAL, audit, 'next', 'refuse'),
      load(NUMBER),
      jump(JUMP_IF_NOT_LESS, X32, 'refuse', 'next'),
      ...refused.map((number) => jump(JUMP_IF_EQUAL, number, 'refuse', 'next')),
      jump(JUMP_IF_EQUAL, OPENAT2, 'unknown', 'next'),
    ],
    ...modes.map(modeCheck),
    forCall(socket, [load(argument(0)), ...families, { code: RETURN, value: EPERM }]),
  ];
  return assemble(blocks);
}

function assemble(blocks: readonly (readonly Instruction[])[]): Buffer {
  const length = blocks.flat().length;
  const answers = { allow: length, refuse: length + 1, unknown: length + 2 } as const;
  const bytes = Buffer.alloc((length + 3) * 8);
  let index = 0;
  const write = ({ code, value }: Instruction, ifTrue: number, ifFalse: number): void => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
    index += 1;
  };
  for (const block of blocks) {
    const end = index + block.length;
    for (const instruction of block) {
      const next = index + 1;
      // Jumps count the instructions between.
      const distance = (target: Target = 'next'): number => {
        if (target === 'next') return 0;
        return (target === 'skip' ? end : answers[target]) - next;
      };
      write(instruction, distance(instruction.ifTrue), distance(instruction.ifFalse));
    }
  }
  for (const value of [ALLOW, EPERM, ENOSYS]) write({ code: RETURN, value }, 0, 0);
  return bytes;
}
