const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Reads the data of server-sent events out of bytes that come in any pieces (WHATWG HTML, section 9.2). What is larger than
 * the limit is passed over; memory stays below about twice of it.
 */
export class EventStream {
  readonly #limit: number;
  readonly #onData: (data: Buffer) => void;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #lineTooLong = false;
  #data: Buffer[] = [];
  #dataBytes = 0;
  #dataTooLong = false;

  /**
   * @param limit bytes of one event
   * @param onData told the data of each event, its lines joined by a line feed
   */
  constructor(limit: number, onData: (data: Buffer) => void) {
    this.#limit = limit;
    this.#onData = onData;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
      this.#keep(chunk.subarray(from, at));
      this.#endLine();
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** Takes what came last for whole, though no empty line followed. */
  end(): void {
    this.#endLine();
    this.#endEvent();
  }

  #keep(piece: Buffer): void {
    this.#lineBytes += piece.length;
    if (this.#lineBytes > this.#limit) {
      this.#lineTooLong = true;
      this.#line = [];
    }
    if (!this.#lineTooLong) this.#line.push(piece);
  }

  #endLine(): void {
    const whole = this.#line.length === 1 ? (this.#line[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#line);
    const tooLong = this.#lineTooLong;
    this.#line = [];
    this.#lineBytes = 0;
    this.#lineTooLong = false;
    if (tooLong) {
      this.#dataTooLong = true;
      return;
    }
    const line = whole.at(-1) === CARRIAGE_RETURN ? whole.subarray(0, -1) : whole;
    if (line.length === 0) {
      this.#endEvent();
      return;
    }
    if (line.subarray(0, 5).toString('latin1') !== 'data:') return;
    this.#dataBytes += line.length;
    if (this.#dataBytes > this.#limit) {
      this.#dataTooLong = true;
      this.#data = [];
    }
    if (!this.#dataTooLong) this.#data.push(line.subarray(5));
  }

  #endEvent(): void {
    const lines = this.#data;
    const tooLong = this.#dataTooLong;
    this.#data = [];
    this.#dataBytes = 0;
    this.#dataTooLong = false;
    if (tooLong || lines.length === 0) return;
    this.#onData(
      Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line]))),
    );
  }
}
