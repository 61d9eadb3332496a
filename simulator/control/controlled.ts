import type { Addressing, Person } from '../accounts/person.ts';
import type { ChatLine, Problem, SimulatorEvents } from '../events.ts';
import type { Faults } from '../server/faults.ts';
import type { Saying } from '../server/inbound.ts';
import type { ReceivedReceipt } from '../server/receipts.ts';

/** A group as the control interface shows it. */
interface ControlledGroup {
  jid: string;
  subject: string;
  members: readonly Person[];
  addressing: Addressing;
}

/** What the control interface needs of a simulator; `Simulator` explains each of them. */
export interface Controlled {
  readonly url: string;
  readonly rootKey: string;
  readonly owner: Person;
  readonly selfChat: string;
  readonly people: readonly Person[];
  readonly groups: readonly ControlledGroup[];
  readonly problems: readonly Problem[];
  readonly faults: Faults;
  addPerson(person: { name: string; number?: string }): Person;
  createGroup(group: { subject: string; members: Person[]; addressing?: Addressing }): {
    jid: string;
    subject: string;
  };
  scanQr(qr: string): Promise<void>;
  say(saying: Saying): Promise<ChatLine>;
  chat(jid: string): readonly ChatLine[];
  waitFor(predicate: (line: ChatLine) => boolean, options?: { timeoutMs?: number }): Promise<ChatLine>;
  on<K extends keyof SimulatorEvents>(event: K, listener: (value: SimulatorEvents[K]) => void): () => void;
  connections(): number;
  typing(): readonly string[];
  devices(): readonly { jid: string; online: boolean; waiting: number }[];
  receipts(id?: string): readonly ReceivedReceipt[];
  close(): Promise<void>;
}
