import type { proto } from '@whiskeysockets/baileys';
import type { Person } from '../accounts/person.ts';
import type { ChatLine, Events, LineChange } from '../events.ts';

/** No line came in time that the predicate accepts. */
export class LineNotSeen extends Error {
  constructor(timeoutMs: number, seen: number) {
    super(
      `No such line within ${timeoutMs} ms (${seen} lines seen): look at the wire log for what came instead.`,
    );
    this.name = 'LineNotSeen';
  }
}

/** Who does something to a line. */
type Actor = Pick<LineChange, 'by' | 'byDevice'>;

/** What every chat shows, in order, as the phones see it. */
export class Chats {
  readonly #lines: ChatLine[] = [];
  /** The ids of messages that changed a line. */
  readonly #acts = new Set<string>();
  readonly #messages = new Map<string, proto.IMessage>();
  readonly #events: Events;

  constructor(events: Events) {
    this.#events = events;
  }

  /** Shows a line; `message` is what it was written as, unwrapped: what quotes and edits of it start from. */
  add(line: ChatLine, message: proto.IMessage = { conversation: line.text }): void {
    this.#messages.set(line.id, message);
    this.#lines.push(line);
    this.#events.emit('line', line);
  }

  /** True the first time that a message with this id is to change a line: a resend changes nothing. */
  isNew(id: string): boolean {
    if (this.#acts.has(id)) return false;
    this.#acts.add(id);
    return true;
  }

  /** Shows other words for a line. */
  edit(
    line: ChatLine,
    by: Actor,
    words: Pick<ChatLine, 'text' | 'mentions'>,
    message: proto.IMessage = { conversation: words.text },
  ): ChatLine {
    this.#messages.set(line.id, message);
    const media = line.media && { media: { ...line.media, caption: words.text } };
    return this.#change('edited', by, { ...line, ...words, ...media, edited: true });
  }

  /** Shows that there was a line. */
  remove(line: ChatLine, by: Actor): ChatLine {
    const { id, chat, from, fromName, fromMe, byDevice, device, parties, at } = line;
    this.#messages.delete(id);
    const where = { chat, ...(parties && { parties }), ...(device !== undefined && { device }) };
    const removed = { id, ...where, from, fromName, fromMe, byDevice, text: '', removed: true, at } as const;
    return this.#change('removed', by, removed);
  }

  /** Shows somebody's reaction instead of the one before; the empty one takes it back. */
  react(line: ChatLine, by: Actor, emoji: string): ChatLine {
    const others = (line.reactions ?? []).filter(({ from }) => from !== by.by);
    const reactions = emoji === '' ? others : [...others, { from: by.by, emoji }];
    return this.#change('reaction', by, { ...line, reactions });
  }

  #change(change: LineChange['change'], by: Actor, line: ChatLine): ChatLine {
    const index = this.#lines.findIndex(({ chat, id }) => chat === line.chat && id === line.id);
    this.#lines[index] = line;
    this.#events.emit('change', { change, ...by, line });
    return line;
  }

  /** What a chat shows on somebody's phone. */
  of(chat: string, { jid }: Pick<Person, 'jid'>): readonly ChatLine[] {
    return this.#lines
      .filter(({ chat: shown, parties }) =>
        parties ? [...parties].sort().join() === [chat, jid].sort().join() : shown === chat,
      )
      .map((line) => (line.parties ? { ...line, chat, fromMe: line.from === jid } : line));
  }

  find(chat: string, id: string): ChatLine | undefined {
    return this.#lines.find((line) => line.chat === chat && line.id === id);
  }

  /** The line of that id, in whatever chat. */
  byId(id: string): ChatLine | undefined {
    return this.#lines.find((line) => line.id === id);
  }

  /** What a line was written as; undefined when it was removed. */
  message(id: string): proto.IMessage | undefined {
    return this.#messages.get(id);
  }

  /** The first line, past or future or changed, that the predicate accepts. Rejects with LineNotSeen. */
  waitFor(predicate: (line: ChatLine) => boolean, timeoutMs: number): Promise<ChatLine> {
    const past = this.#lines.find(predicate);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const look = (line: ChatLine): void => {
        if (!predicate(line)) return;
        clearTimeout(timer);
        stop();
        resolve(line);
      };
      const stops = [this.#events.on('line', look), this.#events.on('change', ({ line }) => look(line))];
      const stop = (): void => {
        for (const each of stops) each();
      };
      const timer = setTimeout(() => {
        stop();
        reject(new LineNotSeen(timeoutMs, this.#lines.length));
      }, timeoutMs);
    });
  }
}
