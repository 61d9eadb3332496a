import type { ChatLine, Events } from '../events.ts';

/** No line came in time that the predicate accepts. */
export class LineNotSeen extends Error {
  constructor(timeoutMs: number, seen: number) {
    super(
      `No such line within ${timeoutMs} ms (${seen} lines seen): look at the wire log for what came instead.`,
    );
    this.name = 'LineNotSeen';
  }
}

/** What every chat shows, in order, as the phones see it. */
export class Chats {
  readonly #lines: ChatLine[] = [];
  readonly #events: Events;

  constructor(events: Events) {
    this.#events = events;
  }

  add(line: ChatLine): void {
    this.#lines.push(line);
    this.#events.emit('line', line);
  }

  of(chat: string): readonly ChatLine[] {
    return this.#lines.filter((line) => line.chat === chat);
  }

  find(chat: string, id: string): ChatLine | undefined {
    return this.#lines.find((line) => line.chat === chat && line.id === id);
  }

  /** The first line, past or future, that the predicate accepts. Rejects with LineNotSeen. */
  waitFor(predicate: (line: ChatLine) => boolean, timeoutMs: number): Promise<ChatLine> {
    const past = this.#lines.find(predicate);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const stop = this.#events.on('line', (line) => {
        if (!predicate(line)) return;
        clearTimeout(timer);
        stop();
        resolve(line);
      });
      const timer = setTimeout(() => {
        stop();
        reject(new LineNotSeen(timeoutMs, this.#lines.length));
      }, timeoutMs);
    });
  }
}
