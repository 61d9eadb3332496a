import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { SECOND } from '../../clock.ts';
import { childrenOf, processStart, signal } from './process-identity.ts';
import { RuntimeError } from './runtime.ts';

const SUFFIX = '.sandbox.json';

/** A process that the system cannot end sooner waits for a disk or a network that hangs. */
const MOST_DYING_MS = 10 * SECOND;
const DEATH_LOOK_MS = 10;

/** A sandbox was killed and did not die. */
class SandboxAliveError extends RuntimeError {
  override readonly name = 'SandboxAliveError';
  override readonly retryable = true;

  constructor(name: string, pid: number) {
    super(
      `The sandbox ${name} does not die (process ${pid}). Look at what it waits for: ps -o stat,wchan ${pid}`,
    );
  }
}

const ProcessRecord = z.object({
  name: z.string(),
  pid: z.number().int().min(2),
  startTime: z.string().describe('ticks since boot'),
});

/**
 * Which processes are sandboxes of this install, in files that outlive the host: what labels are to a container engine.
 * A process is only ever signalled when its start time shows that it is still the one that was recorded.
 */
export class ProcessRecords {
  readonly #directory: string;

  /** @param directory on the host, shown to no sandbox */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Records a child that was just spawned as the leader of a process group. One that cannot be recorded is ended: after a
   * crash of the host nobody would find it.
   * @throws the system's errors
   */
  async add(name: string, pid: number): Promise<void> {
    const startTime = await processStart(pid);
    // Without /proc nothing could be verified later; and a process that has ended needs no record.
    if (startTime === undefined) return;
    try {
      await mkdir(this.#directory, { recursive: true });
      await writeFile(this.#file(name), JSON.stringify({ name, pid, startTime }), { mode: 0o600 });
    } catch (error) {
      signal(-pid, 'SIGKILL');
      throw error;
    }
  }

  /** The names of recorded sandboxes that live; records of the others are removed on the way. */
  async living(): Promise<string[]> {
    const living: string[] = [];
    for (const name of await this.#names()) {
      if ((await this.#livingPid(name)) === undefined) await this.remove(name);
      else living.push(name);
    }
    return living;
  }

  /**
   * Kills the recorded process, its process group where it leads one, and what it started; resolves when they have died: what they
   * write is written then.
   * @param withinMs milliseconds that they may take to die
   * @throws SandboxAliveError
   */
  async kill(name: string, withinMs = MOST_DYING_MS): Promise<void> {
    const pid = await this.#livingPid(name);
    if (pid === undefined) return;
    // Known by their start times, too: one of these numbers may soon be another's.
    const family = await familyOf(pid);
    if (!signal(-pid, 'SIGKILL')) signal(pid, 'SIGKILL');
    for (const [member, startTime] of family) {
      if ((await processStart(member)) === startTime) signal(member, 'SIGKILL');
    }
    const until = performance.now() + Math.min(withinMs, MOST_DYING_MS);
    for (const [member, startTime] of family) {
      while ((await processStart(member)) === startTime) {
        if (performance.now() > until) throw new SandboxAliveError(name, member);
        await setTimeout(DEATH_LOOK_MS);
      }
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.#file(name), { force: true });
  }

  async #names(): Promise<string[]> {
    try {
      const files = await readdir(this.#directory);
      return files.filter((file) => file.endsWith(SUFFIX)).map((file) => file.slice(0, -SUFFIX.length));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** The recorded process's pid, if it still lives. */
  async #livingPid(name: string): Promise<number | undefined> {
    let record: z.infer<typeof ProcessRecord>;
    try {
      record = ProcessRecord.parse(JSON.parse(await readFile(this.#file(name), 'utf8')));
    } catch (error) {
      // A record that was cut off by a crash names nothing that could be ended safely.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await this.remove(name);
      return undefined;
    }
    return (await processStart(record.pid)) === record.startTime ? record.pid : undefined;
  }

  #file(name: string): string {
    return join(this.#directory, `${name}${SUFFIX}`);
  }
}

/** A process and all that it started, with their start times. */
async function familyOf(pid: number): Promise<ReadonlyMap<number, string>> {
  const family = new Map<number, string>();
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const startTime = await processStart(next);
    if (startTime === undefined || family.has(next)) continue;
    family.set(next, startTime);
    waiting.push(...(await childrenOf(next)));
  }
  return family;
}
