import { type Evidence, hasEnded, readEvidence, type SpokenRow, sourceOf } from './evidence.ts';
import type { LyingFile, Root } from './root.ts';
import type { SentMessage, WireReader } from './wire-reader.ts';
import { type DroppedFile, tokensIn, type Workload } from './workload.ts';

export type Breach =
  | 'a message was never stored'
  | 'a message has no end state'
  | 'a message was closed without a word'
  | 'a turn without effects was given up'
  | 'a word was said under two wire ids'
  | 'a wire id is not in the database'
  | 'a row counts as sent and was not on the wire'
  | 'a message was sent again too often'
  | 'a slot fired twice'
  | 'a slot has no end state'
  | 'a slot never came'
  | 'a file is unaccounted for'
  | 'a file was taken twice'
  | 'a sound file was refused'
  | 'work was left open';

export interface Violation {
  readonly breach: Breach;
  readonly round: number;
  readonly detail: string;
}

/** What became of what went in; numbers. */
export interface Figures {
  messages: number;
  answered: number;
  /** Told that the turn was interrupted or failed; never run again, because it had left effects. */
  closedWithNotice: number;
  files: number;
  filesWithEffect: number;
  filesInQuarantine: number;
  filesPending: number;
  slots: number;
  /** Runs of slots that were cut off before they had left an effect, and were followed by another one. */
  slotRunsAgain: number;
  /** Messages of the outbox that reached the wire. */
  sent: number;
  /** Sends beyond the first, under the same wire id. */
  resends: number;
  /** Requests of phones that could not read a message; each is answered by a send to that phone, under the same id. */
  askedAgain: number;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly figures: Figures;
}

/** A round that has settled. */
export interface SettledRound {
  readonly round: number;
  readonly workload: Workload;
  /** How often the host was killed in it. */
  readonly kills: number;
  /** The groups' folders, in the order of the world's chats. */
  readonly folders: readonly string[];
}

/**
 * Judges a round by what can be read afterwards: the wire log, the database, the directories of the mailbox and what the scripted agents
 * noted. It asks no host.
 */
export class Checker {
  readonly #root: Root;
  readonly #wire: WireReader;

  constructor(root: Root, wire: WireReader) {
    this.#root = root;
    this.#wire = wire;
  }

  check(settled: SettledRound): Verdict {
    this.#wire.readOn();
    const ofRound = new RegExp(`\\b[MF]${settled.round}x\\d+\\b`);
    const spoken = [...this.#wire.messages.values()].filter(({ text }) => ofRound.test(text));
    const { evidence, sources } = this.#root.read((database) => ({
      evidence: readEvidence(database, settled.round),
      sources: new Map(spoken.map(({ id }) => [id, sourceOf(database, id)])),
    }));
    const judgement = new Judgement(settled, evidence);
    judgement.messages();
    judgement.words(spoken, sources);
    judgement.slots();
    judgement.files((file) => this.#placeOf(file, settled.folders[file.chat] ?? ''));
    return { violations: judgement.violations, figures: judgement.figures };
  }

  #placeOf({ token, by }: DroppedFile, folder: string): Place {
    const holds = ({ name, content }: LyingFile): boolean =>
      tokensIn(`${name.replace(/[-._]/g, ' ')} ${content}`).includes(token);
    return {
      wasDropped: by === 'hand' || this.#root.droppedByAgents(folder).includes(token),
      inQuarantine: this.#root.quarantined(folder).filter(holds).length,
      pending: [...this.#root.waiting(folder), ...this.#root.claimed(folder)].filter(holds).length,
    };
  }
}

/** Where a file lies. */
interface Place {
  readonly wasDropped: boolean;
  readonly inQuarantine: number;
  readonly pending: number;
}

/** One round's violations and figures, as they are found. */
class Judgement {
  readonly violations: Violation[] = [];
  readonly figures: Figures = noFigures();
  readonly #settled: SettledRound;
  readonly #evidence: Evidence;
  readonly #rowsOf = new Map<string, SpokenRow[]>();

  constructor(settled: SettledRound, evidence: Evidence) {
    this.#settled = settled;
    this.#evidence = evidence;
    for (const row of evidence.rows) {
      if (row.source === 'notice') continue;
      for (const token of row.tokens) this.#rowsOf.set(token, [...(this.#rowsOf.get(token) ?? []), row]);
    }
  }

  /** Every message that was said is stored, and every stored one has an end. */
  messages(): void {
    for (const { token } of this.#settled.workload.messages) {
      this.figures.messages += 1;
      const line = this.#evidence.lines.find((stored) => stored.token === token);
      if (line === undefined) this.#breach('a message was never stored', token);
      else if (this.#rowsOf.has(token)) this.figures.answered += 1;
      else if (!line.isClosed) this.#breach('a message has no end state', token);
      else if (line.isAnsweredFor) {
        this.figures.closedWithNotice += 1;
        if (!line.mayBeClosed) this.#breach('a turn without effects was given up', token);
      } else this.#breach('a message was closed without a word', token);
    }
    for (const { seq, status, tokens } of this.#evidence.rows) {
      if (!['sent', 'failed', 'unknown'].includes(status))
        this.#breach('a message has no end state', `the row ${seq} (${tokens.join(' ')}) is ${status}`);
    }
  }

  /** Every word has one wire id; what was sent again was sent under it. */
  words(spoken: readonly SentMessage[], sources: ReadonlyMap<string, SpokenRow['source'] | undefined>): void {
    const idsOf = new Map<string, Set<string>>();
    const note = (token: string, id: string): void => {
      idsOf.set(token, (idsOf.get(token) ?? new Set()).add(id));
    };
    for (const [token, rows] of this.#rowsOf) {
      for (const { seq, wireId } of rows) note(token, wireId ?? `none yet (row ${seq})`);
    }
    for (const { id, text, times, askedAgain } of spoken) {
      const source = sources.get(id);
      // A notice that a message did not arrive quotes it.
      if (source === 'notice') continue;
      if (source === undefined) this.#breach('a wire id is not in the database', `${id}: ${text}`);
      for (const token of tokensIn(text)) note(token, id);
      this.figures.sent += 1;
      this.figures.resends += times - 1;
      this.figures.askedAgain += askedAgain;
      if (times - 1 > this.#settled.kills + askedAgain)
        this.#breach('a message was sent again too often', `${id}, ${times} times: ${text}`);
    }
    for (const [token, ids] of idsOf) {
      if (ids.size > 1)
        this.#breach('a word was said under two wire ids', `${token}: ${[...ids].join(', ')}`);
    }
    const onWire = new Set(spoken.map(({ id }) => id));
    for (const { seq, status, wireId, source } of this.#evidence.rows) {
      if (source !== 'notice' && status === 'sent' && !onWire.has(wireId ?? ''))
        this.#breach('a row counts as sent and was not on the wire', `row ${seq}`);
    }
  }

  /** Every slot that came into the schedule fired, and left effects once. */
  slots(): void {
    for (const { token, runs } of this.#evidence.tasks) {
      this.figures.slots += 1;
      const effective = runs.filter(({ hasEffects }) => hasEffects);
      this.figures.slotRunsAgain += runs.length - effective.length;
      // A one-time task has one slot, whatever its runs say.
      if (effective.length > 1) this.#breach('a slot fired twice', `${token}: ${JSON.stringify(runs)}`);
      if (!hasEnded(runs)) this.#breach('a slot has no end state', `${token}: ${JSON.stringify(runs)}`);
    }
  }

  /** In = effects + quarantined + pending, file by file. */
  files(placeOf: (file: DroppedFile) => Place): void {
    for (const file of this.#settled.workload.files) {
      const { wasDropped, inQuarantine, pending } = placeOf(file);
      const effects = this.#effectsOf(file);
      if (!wasDropped && effects + inQuarantine + pending === 0) continue;
      this.figures.files += 1;
      this.figures.filesWithEffect += effects > 0 ? 1 : 0;
      this.figures.filesInQuarantine += inQuarantine > 0 ? 1 : 0;
      this.figures.filesPending += pending > 0 ? 1 : 0;
      const what = `${file.token} (${file.kind}, by ${file.by})`;
      if (effects + inQuarantine + pending > 1) this.#breach('a file was taken twice', what);
      if (effects + inQuarantine + pending === 0 && !this.#evidence.claims.has(file.token))
        this.#breach('a file is unaccounted for', what);
      if (inQuarantine > 0 && file.kind !== 'broken' && file.kind !== 'foreign')
        this.#breach('a sound file was refused', what);
    }
  }

  #effectsOf({ kind, token }: DroppedFile): number {
    if (kind === 'task') return this.#evidence.tasks.filter((task) => task.token === token).length;
    return (this.#rowsOf.get(token) ?? []).length;
  }

  #breach(breach: Breach, detail: string): void {
    this.violations.push({ breach, round: this.#settled.round, detail });
  }
}

export function noFigures(): Figures {
  return {
    messages: 0,
    answered: 0,
    closedWithNotice: 0,
    files: 0,
    filesWithEffect: 0,
    filesInQuarantine: 0,
    filesPending: 0,
    slots: 0,
    slotRunsAgain: 0,
    sent: 0,
    resends: 0,
    askedAgain: 0,
  };
}
