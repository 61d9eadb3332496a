import type { NewGroup } from '../accounts/directory.ts';
import type { Addressing, Person } from '../accounts/person.ts';
import type { ChatLine, Problem, SimulatorEvents } from '../events.ts';
import type { Saying } from '../messages/saying.ts';
import type { Faults } from '../server/faults.ts';
import type { PastLine } from '../server/history.ts';
import type { How } from '../server/inbound.ts';
import type { ReceivedReceipt } from '../server/receipts.ts';
import type { ServiceRules } from '../server/rules.ts';

/** A group as the control interface shows it. */
interface ControlledGroup {
  jid: string;
  subject: string;
  addressing: Addressing;
  members: readonly Person[];
  admins: readonly Person[];
}

/** What the control interface needs of a simulator; `Simulator` explains each of them. */
export interface Controlled {
  readonly url: string;
  readonly rootKey: string;
  readonly mediaCertificate: string;
  readonly owner: Person;
  readonly selfChat: string;
  readonly people: readonly Person[];
  readonly groups: readonly ControlledGroup[];
  readonly problems: readonly Problem[];
  readonly faults: Faults;
  readonly rules: Readonly<ServiceRules>;
  changeRules(change: Readonly<Record<string, unknown>>): void;
  addPerson(person: { name: string; number?: string }): Person;
  createGroup(group: NewGroup): { jid: string; subject: string };
  addMember(group: string, person: Person, by?: { by?: Person }): void;
  removeMember(group: string, person: Person, by?: { by?: Person }): void;
  leave(group: string, person: Person): void;
  promote(group: string, person: Person, by?: { by?: Person }): void;
  demote(group: string, person: Person, by?: { by?: Person }): void;
  renameGroup(group: string, subject: string, by?: { by?: Person }): void;
  revealNumber(group: string, person: Person): void;
  scanQr(qr: string, as?: { as?: Person }): Promise<void>;
  enterCode(code: string, as?: { as?: Person }): Promise<void>;
  addPast(past: PastLine): ChatLine;
  setTimer(chat: string, seconds: number, how?: How & Pick<Saying, 'as' | 'of'>): Promise<void>;
  say(saying: Saying): Promise<ChatLine>;
  edit(lineId: string, text: string, how?: How): Promise<ChatLine>;
  remove(lineId: string, how?: How & { by?: Person }): Promise<ChatLine>;
  react(lineId: string, emoji: string, how?: How & { as?: Person }): Promise<ChatLine>;
  chat(jid: string, as?: { as?: Person }): readonly ChatLine[];
  waitFor(predicate: (line: ChatLine) => boolean, options?: { timeoutMs?: number }): Promise<ChatLine>;
  on<K extends keyof SimulatorEvents>(event: K, listener: (value: SimulatorEvents[K]) => void): () => void;
  connections(): number;
  typing(): readonly string[];
  devices(): readonly { jid: string; online: boolean; waiting: number }[];
  receipts(id?: string): readonly ReceivedReceipt[];
  close(): Promise<void>;
}
