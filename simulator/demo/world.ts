import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChatLine, type LineChange, type Person, Simulator } from '../simulator.ts';
import { HostProcess } from './host-process.ts';
import { changeInWords, lineInWords } from './in-words.ts';

/** A chat that the owner can open. */
export interface DemoChat {
  readonly jid: string;
  readonly name: string;
  readonly members: readonly Person[];
}

const ASSISTANT = 'Andy';
/** What the assistant puts before its words on a shared number; before a list it stands on a line of its own. */
const PREFIX = /^Andy:\s+/gm;

/** A WhatsApp server, the people on it, and the real host linked to the owner's account. */
export class World {
  readonly simulator: Simulator;
  readonly host: HostProcess;
  readonly root: string;
  readonly chats: readonly DemoChat[];
  readonly #removeRoot: boolean;

  private constructor(
    simulator: Simulator,
    host: HostProcess,
    root: string,
    chats: readonly DemoChat[],
    own: boolean,
  ) {
    this.simulator = simulator;
    this.host = host;
    this.root = root;
    this.chats = chats;
    this.#removeRoot = own;
  }

  /**
   * @param givenRoot a root to keep; absent: a temporary one that is removed at the end
   * @throws Error when the given root is not the demo's own
   */
  static async start(givenRoot: string | undefined): Promise<World> {
    const root = givenRoot ?? (await realpath(await mkdtemp(join(tmpdir(), 'nanoclaw-demo-'))));
    if (givenRoot !== undefined) await takeRoot(givenRoot);
    const simulator = await Simulator.start({ owner: { name: 'Ann' } });
    const [ben, carla, dan] = ['Ben', 'Carla', 'Dan'].map((name) => simulator.addPerson({ name }));
    if (ben === undefined || carla === undefined || dan === undefined) throw new Error('nobody is there');
    const groups = [
      { subject: 'Family', members: [ben, carla] },
      { subject: 'Work', members: [carla, dan] },
    ].map(({ subject, members }) => ({ ...simulator.createGroup({ subject, members }), members }));
    const chats: DemoChat[] = [
      { jid: simulator.selfChat, name: 'You', members: [] },
      ...groups.map(({ jid, subject, members }) => ({ jid, name: subject, members })),
    ];
    const host = new HostProcess({
      root,
      whatsappUrl: simulator.url,
      rootKey: simulator.rootKey,
      mediaCertificate: await simulator.writeMediaCertificate(),
      // A QR that was replaced while the phone looked at it is no fault: the next one follows.
      onQr: (qr) => void simulator.scanQr(qr).catch(() => undefined),
    });
    return new World(simulator, host, root, chats, givenRoot === undefined);
  }

  /** The chat that the owner means by a name, by its beginning, or by its number in the list; undefined if none. */
  findChat(name: string): DemoChat | undefined {
    const wanted = name.trim().toLowerCase();
    if (wanted === '') return undefined;
    return (
      this.chats[Number(wanted) - 1] ?? this.chats.find((chat) => chat.name.toLowerCase().startsWith(wanted))
    );
  }

  chatOf(jid: string): DemoChat {
    return this.chats.find((chat) => chat.jid === jid) ?? { jid, name: jid, members: [] };
  }

  /** Who speaks in a line, and what, without the name that the assistant puts before its words on a shared number. */
  spoken(line: ChatLine): { readonly name: string; readonly text: string; readonly assistant: boolean } {
    const text = lineInWords(line);
    if (!line.byDevice) return { name: line.fromMe ? 'you' : line.fromName, text, assistant: false };
    return { name: ASSISTANT, text: text.replace(PREFIX, ''), assistant: true };
  }

  /** What became of a line, in a sentence. */
  happened(change: LineChange): string {
    const by = this.simulator.people.find(({ jid }) => jid === change.by);
    const person = by?.jid === this.simulator.owner.jid ? 'you' : (by?.name ?? change.by);
    const line = { ...change.line, text: change.line.text.replace(PREFIX, '') };
    return changeInWords({ ...change, line }, change.byDevice ? ASSISTANT : person);
  }

  /** Ends everything that was started and removes what was made. */
  async close(): Promise<void> {
    await this.host.stop();
    await this.simulator.close();
    if (this.#removeRoot) await rm(this.root, { recursive: true, force: true });
  }
}

/** The phone numbers of one demo are void in the next: its account goes, everything else stays. */
async function takeRoot(root: string): Promise<void> {
  const mark = join(root, 'this-is-a-demo');
  const account = join(root, 'store', 'whatsapp.db');
  await mkdir(join(root, 'store'), { recursive: true });
  if (existsSync(account) && !existsSync(mark)) {
    throw new Error(
      `${root} holds a real account; give the demo a folder of its own in NANOCLAW_ROOT, or none.`,
    );
  }
  await writeFile(mark, 'Made by npm run demo.\n');
  for (const file of [account, `${account}-wal`, `${account}-shm`]) await rm(file, { force: true });
}
