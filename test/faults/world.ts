import { chmodSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Person, Simulator } from '../../simulator/simulator.ts';
import { compile } from '../support/program.ts';
import { CallWatch } from './calls/call-watch.ts';
import { Host, type Start } from './host.ts';
import { MINUTELY, minutelyRuns } from './minutely.ts';
import type { ProbeSettings } from './probe/orders.ts';
import { Root } from './root.ts';
import { until } from './until.ts';

/** A group that the assistant is active in. */
export interface Chat {
  readonly jid: string;
  readonly folder: string;
}

export interface WorldOptions {
  /** How many groups there are. */
  readonly chats: number;
  /** How many sandboxes may run at once. */
  readonly sandboxes: number;
  /** Whether a task is due each minute in the first group. */
  readonly hasMinutely?: boolean;
  /** Whether the hosts' calls to the system are counted, and can be struck. */
  readonly watchesCalls?: boolean;
}

const SETUP_TIMEOUT_MS = 60_000;

/** A WhatsApp server with a wire log, people and groups on it, and a root on which hosts live and die. */
export class World {
  readonly simulator: Simulator;
  readonly root: Root;
  readonly wireLog: string;
  readonly chats: readonly Chat[];
  /** Who writes in the groups, besides the owner. */
  readonly people: readonly Person[];
  host: Host;
  /** Holds the root and the wire log. */
  readonly directory: string;
  readonly calls: CallWatch | undefined;
  readonly #programs: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    simulator: Simulator,
    directory: string,
    programs: string,
    env: Readonly<Record<string, string>>,
    calls: CallWatch | undefined,
    options: WorldOptions,
  ) {
    this.simulator = simulator;
    this.directory = directory;
    this.#programs = programs;
    this.#env = { ...env, ...calls?.env };
    this.calls = calls;
    this.root = new Root(join(directory, 'root'));
    this.wireLog = join(directory, 'wire.jsonl');
    const names = ['Bea', 'Cem'];
    this.people = names.map((name) => simulator.addPerson({ name }));
    this.chats = Array.from({ length: options.chats }, (_, index) => {
      const { jid } = simulator.createGroup({ subject: `Group ${index + 1}`, members: this.people });
      return { jid, folder: `group-${index + 1}` };
    });
    this.host = this.#newHost({});
  }

  /** Resolves when the account is linked and every group is registered, as main's agent registers them. */
  static async start(options: WorldOptions): Promise<World> {
    // The sandbox's user must be able to reach the groups' folders.
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'nanoclaw-faults-')));
    chmodSync(directory, 0o755);
    let simulator: Simulator | undefined;
    let world: World | undefined;
    // Together, so that the probe changes the classes of the host.
    const programs = await compile({ cli: 'src/cli.ts', probe: 'test/faults/probe/probe.ts' });
    try {
      const root = join(directory, 'root');
      await mkdir(root);
      const calls = options.watchesCalls ? await CallWatch.build(directory, root) : undefined;
      simulator = await Simulator.start({ owner: { name: 'Ann' }, wireLog: join(directory, 'wire.jsonl') });
      const env = {
        WHATSAPP_URL: simulator.url,
        WHATSAPP_ROOT_KEY: simulator.rootKey,
        NODE_EXTRA_CA_CERTS: await simulator.writeMediaCertificate(),
        MAX_CONCURRENT_CONTAINERS: String(options.sandboxes),
        // A series of rounds is one busy hour.
        MAX_TURNS_PER_HOUR: '0',
        ...sandboxEnvironment(),
      };
      world = new World(simulator, directory, programs, env, calls, options);
      await world.#settleIn();
      if (options.hasMinutely) await world.#scheduleMinutely();
      return world;
    } catch (error) {
      await world?.host.kill();
      await simulator?.close();
      for (const path of [directory, programs]) await rm(path, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts a host on the root, whose last one has ended. */
  async begin(probe: ProbeSettings = {}): Promise<Start> {
    this.host = this.#newHost(probe);
    return this.host.started();
  }

  /** Drops a file in a group's mailbox as an operator's script does: under its name when it is whole. */
  async drop(folder: string, directory: 'messages' | 'tasks', name: string, content: string): Promise<void> {
    const mailbox = join(this.root.paths.groupIpc(folder), directory);
    await writeFile(join(mailbox, `.${name}.tmp`), content);
    await rename(join(mailbox, `.${name}.tmp`), join(mailbox, `${name}.json`));
  }

  /** Puts a file where a group's agents put what they send. */
  async attach(folder: string, name: string, content: string): Promise<void> {
    await writeFile(join(this.root.paths.groupIpc(folder), 'files', name), content);
  }

  /** @param keep the folder stays, for whoever wants to look */
  async close({ keep = false } = {}): Promise<void> {
    await this.host.kill();
    await this.simulator.close();
    await rm(this.#programs, { recursive: true, force: true });
    if (keep) return;
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #settleIn(): Promise<void> {
    if ((await this.host.started()) === 'killed') throw new Error('the host was killed before it was ready');
    await until('the main channel has its mailbox', SETUP_TIMEOUT_MS, () =>
      existsSync(join(this.root.paths.groupIpc('main'), 'tasks')),
    );
    for (const { jid, folder } of this.chats) {
      const request = { type: 'register_group', jid, name: folder, folder, trigger: '@Andy' };
      await this.drop('main', 'tasks', folder, JSON.stringify(request));
    }
    await until('every group is registered', SETUP_TIMEOUT_MS, () =>
      this.root.read((database) => {
        const count = database.prepare('SELECT COUNT(*) FROM registered_groups').pluck().get();
        const open = database.prepare("SELECT COUNT(*) FROM outbox WHERE status IN ('queued', 'sending')");
        return Number(count) === this.chats.length + 1 && open.pluck().get() === 0;
      }),
    );
  }

  async #scheduleMinutely(): Promise<void> {
    const { jid, folder } = this.chats[0]!;
    await this.drop(folder, 'tasks', 'minutely', JSON.stringify({ ...MINUTELY, targetJid: jid }));
    await until('the task is scheduled', SETUP_TIMEOUT_MS, () =>
      this.root.read((database) => minutelyRuns(database) !== undefined),
    );
  }

  #newHost(probe: ProbeSettings): Host {
    return new Host({
      programs: this.#programs,
      root: this.root.paths.root,
      env: this.#env,
      flags: ['--offline-faults', ...(sandboxIsRequired() ? [] : ['--allow-plain-process'])],
      // A QR that was replaced while the phone looked at it is no fault: the next one follows.
      onQr: (qr) => void this.simulator.scanQr(qr).catch(() => undefined),
      probe,
    });
  }
}

function sandboxIsRequired(): boolean {
  return process.env.TEST_SANDBOX === 'required';
}

/** Bubblewrap where it works. No engine in the way: its containers take seconds to start. */
function sandboxEnvironment(): Readonly<Record<string, string>> {
  if (sandboxIsRequired()) return { CONTAINER_RUNTIME: 'bubblewrap' };
  const nowhere = 'unix:///nonexistent';
  return { CONTAINER_RUNTIME: 'auto', DOCKER_HOST: nowhere, CONTAINER_HOST: nowhere };
}
