import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HOSTILE_KINDS, type HostileKind, makeGigabyte } from '../../src/mailbox/testing/hostile-kinds.ts';
import type { Paths } from '../../src/paths.ts';
import type { GroupName } from './scene.ts';

const POLL_MS = 50;
/** How long the mailbox's directory is a link. */
const SWAPPED_MS = 200;

const KINDS: readonly HostileKind[] = [
  ...HOSTILE_KINDS,
  { name: 'a gigabyte', make: makeGigabyte, reason: 'is larger than' },
];

/** A group whose mailbox gets one of each hostile file. */
export class Assault {
  readonly #paths: Paths;
  readonly #folder: GroupName;
  readonly #mailbox: string;
  readonly #scratch: string;
  #dropped = 0;

  constructor(paths: Paths, folder: GroupName) {
    this.#paths = paths;
    this.#folder = folder;
    this.#mailbox = join(paths.groupIpc(folder), 'messages');
    this.#scratch = join(paths.root, 'scratch');
  }

  /** Drops everything, and puts a link to another place in the mailbox's place for a moment. */
  async begin(): Promise<void> {
    for (const { make } of KINDS) {
      const scratch = join(this.#scratch, String(this.#dropped));
      await mkdir(scratch, { recursive: true });
      const sound = JSON.stringify({ type: 'message', chatJid: `${this.#folder}@g.us`, text: 'hostile' });
      await make({ path: this.#nextPath('x'), scratch, sound });
    }
    await writeFile(this.#nextPath('a\nb;$(x)'), 'no JSON');
    await rename(this.#mailbox, `${this.#mailbox}.aside`);
    await symlink(this.#scratch, this.#mailbox);
    await delay(SWAPPED_MS);
    await unlink(this.#mailbox);
    await rename(`${this.#mailbox}.aside`, this.#mailbox);
  }

  /** Nothing of it lies in the mailbox or is claimed any more. */
  async untilTaken(signal: AbortSignal): Promise<void> {
    const claimed = join(this.#paths.ipcClaimed, this.#folder);
    while ((await countIn(this.#mailbox)) + (await countIn(claimed)) > 0) {
      signal.throwIfAborted();
      await delay(POLL_MS);
    }
  }

  /** How many of all that were dropped are neither in quarantine nor recorded there. */
  async unaccounted(): Promise<number> {
    const directory = join(this.#paths.ipcErrors, this.#folder);
    const names = await readdir(directory);
    const reasons = names.filter((name) => name.endsWith('.reason.json')).length;
    const records = names.includes('records.jsonl')
      ? (await readFile(join(directory, 'records.jsonl'), 'utf8')).trimEnd().split('\n').length
      : 0;
    return this.#dropped - reasons - records;
  }

  #nextPath(name: string): string {
    this.#dropped += 1;
    return join(this.#mailbox, `${name}-${String(this.#dropped).padStart(6, '0')}.json`);
  }
}

/** The host makes the directory of claims when it needs one. */
async function countIn(directory: string): Promise<number> {
  if (!existsSync(directory)) return 0;
  return (await readdir(directory, { encoding: 'latin1' })).length;
}
