/**
 * A program for the kernel's system call filter, for sandboxes that no engine gives one: what could reach into another
 * process or change mounts, namespaces, keys or the kernel is refused with EPERM. See seccomp(2) and bpf(2).
 */

interface Architecture {
  /** AUDIT_ARCH_*: see linux/audit.h. */
  readonly audit: number;
  /** The numbers of what is refused: see asm/unistd.h. */
  readonly refused: readonly number[];
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

const everywhere = Object.values(REFUSED_EVERYWHERE);
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, refused: [...Object.values(REFUSED_X64), ...everywhere] },
  arm64: { audit: 0xc00000b7, refused: [...Object.values(REFUSED_ARM64), ...everywhere] },
};

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_NOT_LESS = 0x35;
const RETURN = 0x06;

/** Offsets in struct seccomp_data, in bytes. */
const NUMBER = 0;
const ARCHITECTURE = 4;

/** x32 calls have this bit set and other numbers. */
const X32 = 0x40000000;

const ALLOW = 0x7fff0000;
const EPERM = 0x00050000 | 1;

/**
 * The filter as bwrap's `--seccomp` reads it.
 * @param arch as `process.arch` names it
 * @returns undefined for an architecture whose numbers are not known
 */
export function seccompFilter(arch: string): Buffer | undefined {
  const architecture = ARCHITECTURES[arch];
  if (architecture === undefined) return undefined;
  const { audit, refused } = architecture;
  // Jumps count the instructions between; the last one refuses, the one before it allows.
  const refusal = refused.length + 5;
  const program: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [LOAD_WORD, 0, 0, ARCHITECTURE],
    [JUMP_IF_EQUAL, 0, refusal - 2, audit],
    [LOAD_WORD, 0, 0, NUMBER],
    [JUMP_IF_NOT_LESS, refusal - 4, 0, X32],
    ...refused.map((number, index): [number, number, number, number] => [
      JUMP_IF_EQUAL,
      refusal - (index + 5),
      0,
      number,
    ]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, EPERM],
  ];
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
