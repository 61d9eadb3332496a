import { readFile, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, sep } from 'node:path';
import { z } from 'zod';
import { handWritten } from '../hand-written.ts';
import type { Log } from '../log.ts';
import type { ContainerConfig } from '../protocol/mailbox.ts';
import type { Mount } from './mounts.ts';

/** `mount-allowlist.json`, in v1's form. */
const AllowlistFile = z.object({
  allowedRoots: z.array(
    z.object({
      path: z.string().min(1).describe('a directory; ~ is the home of the user who runs the host'),
      allowReadWrite: z.boolean().default(false),
      description: z.string().optional(),
    }),
  ),
  blockedPatterns: z.array(z.string().min(1)).default([]).describe('more names that are never shown'),
  nonMainReadOnly: z.boolean().default(true).describe('groups other than main may only read'),
});
type Allowlist = z.infer<typeof AllowlistFile>;

/** A path is refused when one of its parts contains one of these. */
const ALWAYS_BLOCKED = [
  '.ssh',
  '.gnupg',
  '.gpg',
  '.aws',
  '.azure',
  '.gcloud',
  '.kube',
  '.docker',
  '.env',
  '.netrc',
  '.npmrc',
  '.pypirc',
  '.secret',
  'credentials',
  'private_key',
  'id_rsa',
  'id_ed25519',
];

const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

type RequestedMount = NonNullable<ContainerConfig['additionalMounts']>[number];

export interface MountAllowlistOptions {
  readonly file: string;
  /** Directories of which no sandbox may see a part, nor what they lie in, whatever the file says. */
  readonly protectedPaths: readonly string[];
  /** `/workspace/extra`, where the directories appear. */
  readonly extraRoot: string;
  readonly log: Log;
  readonly home?: string | undefined;
}

/** Decides which extra directories a group's sandbox may see. Without a readable file: none. */
export class MountAllowlist {
  readonly #options: MountAllowlistOptions;
  readonly #home: string;

  constructor(options: MountAllowlistOptions) {
    this.#options = options;
    this.#home = options.home ?? homedir();
  }

  /** The requested mounts that are allowed, by real paths. The file is read anew each time, so a change takes effect at once. */
  async permit(requested: readonly RequestedMount[], isMain: boolean): Promise<Mount[]> {
    if (requested.length === 0) return [];
    const decisions = await this.decide(requested, isMain);
    return decisions.flatMap((decision, index) => {
      if (typeof decision === 'string') {
        const { hostPath } = requested[index] as RequestedMount;
        this.#options.log.warn({ hostPath, reason: decision }, 'Mount REJECTED');
        return [];
      }
      this.#options.log.info({ ...decision }, 'Mount validated');
      return [decision];
    });
  }

  /**
   * What becomes of mounts if a group requests them, in their order. Logs nothing.
   * @returns for each the mount, or why there is none
   */
  async decide(requested: readonly RequestedMount[], isMain: boolean): Promise<readonly (Mount | string)[]> {
    const allowlist = await this.#read();
    const decisions: (Mount | string)[] = [];
    for (const request of requested) {
      const taken = decisions.filter((decision) => typeof decision !== 'string');
      decisions.push(await this.#decide(request, isMain, allowlist, taken));
    }
    return decisions;
  }

  async #read(): Promise<Allowlist | string> {
    const { file } = this.#options;
    try {
      const parsed = AllowlistFile.safeParse(JSON.parse(handWritten(await readFile(file), file)));
      return parsed.success ? parsed.data : `${file} is not an allowlist: ${z.prettifyError(parsed.error)}`;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? `there is no ${file}` : `${file} cannot be read: ${message}`;
    }
  }

  /** @returns the mount, or why there is none */
  async #decide(
    request: RequestedMount,
    isMain: boolean,
    allowlist: Allowlist | string,
    taken: readonly Mount[],
  ): Promise<Mount | string> {
    if (typeof allowlist === 'string') return allowlist;
    const name = request.containerPath ?? basename(request.hostPath);
    if (!SAFE_NAME.test(name)) return `${JSON.stringify(name)} cannot be a name below extra/`;
    const containerPath = `${this.#options.extraRoot}/${name}`;
    if (taken.some((mount) => mount.containerPath === containerPath)) return `extra/${name} is there already`;

    const hostPath = await this.#realPath(request.hostPath);
    if (hostPath === undefined) return 'there is no such directory';
    if (!(await stat(hostPath)).isDirectory()) return 'only directories can be mounted';
    const blocked = blockedBy(hostPath, [...ALWAYS_BLOCKED, ...allowlist.blockedPatterns]);
    if (blocked !== undefined) return `it matches the blocked pattern ${JSON.stringify(blocked)}`;
    for (const path of this.#options.protectedPaths) {
      const own = (await this.#realPath(path)) ?? path;
      if (contains(own, hostPath) || contains(hostPath, own))
        return `it would show ${path}, which belongs to the host`;
    }
    const root = await this.#rootOf(hostPath, allowlist);
    if (root === undefined) return `it lies below no allowed root of ${this.#options.file}`;
    const writable =
      request.readonly === false && root.allowReadWrite && (isMain || !allowlist.nonMainReadOnly);
    return { hostPath, containerPath, readonly: !writable };
  }

  async #rootOf(
    hostPath: string,
    allowlist: Allowlist,
  ): Promise<Allowlist['allowedRoots'][number] | undefined> {
    let found: { root: Allowlist['allowedRoots'][number]; length: number } | undefined;
    for (const root of allowlist.allowedRoots) {
      const path = await this.#realPath(root.path);
      if (path === undefined || !contains(path, hostPath)) continue;
      // The nearest root decides what may be done.
      if (found === undefined || path.length > found.length) found = { root, length: path.length };
    }
    return found?.root;
  }

  async #realPath(path: string): Promise<string | undefined> {
    const expanded = path === '~' || path.startsWith('~/') ? join(this.#home, path.slice(1)) : path;
    if (!expanded.startsWith('/')) return undefined;
    try {
      return await realpath(expanded);
    } catch (error) {
      this.#options.log.debug({ path, error: (error as Error).message }, 'No such path for a mount');
      return undefined;
    }
  }
}

function contains(parent: string, path: string): boolean {
  return path === parent || path.startsWith(parent.endsWith(sep) ? parent : parent + sep);
}

function blockedBy(path: string, patterns: readonly string[]): string | undefined {
  const parts = path.split(sep);
  return patterns.find((pattern) => parts.some((part) => part.includes(pattern)) || path.includes(pattern));
}
