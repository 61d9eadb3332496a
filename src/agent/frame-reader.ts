import { FRAME_END, FRAME_START } from '../protocol/turn.ts';
import { GrowingBuffer } from './growing-buffer.ts';

const NEWLINE = Buffer.from('\n');
/** A marker with the carriage return that may follow it. */
const LONGEST_MARKER = Math.max(FRAME_START.length, FRAME_END.length) + 1;

/** The agent broke the frame protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export interface FrameReaderOptions {
  /** The longest frame, in bytes. */
  readonly maxFrameBytes: number;
  /** Gets what stands outside frames, as it comes. */
  readonly onNoise: (bytes: Buffer) => void;
}

/**
 * Finds frames in a stream of bytes that may be anything. It holds at most one frame, and of a line outside frames no
 * more than a marker's length, however long that line is.
 *
 * - outside: a line that ends with the start marker begins a frame (a program may have left its line unended before);
 *   everything else is noise.
 * - inside: a line that is the end marker ends the frame; one that is the start marker begins it anew; a frame over the
 *   cap is an error, after which the reader must not be used.
 */
export class FrameReader {
  readonly #onNoise: (bytes: Buffer) => void;
  readonly #frame: GrowingBuffer;
  #inside = false;
  /** Inside: where the line that has not ended begins in the frame. */
  #lineStart = 0;
  /** Outside: the last bytes of the line that has not ended, which may turn out to be a marker. */
  #held: Buffer = Buffer.alloc(0);

  constructor({ maxFrameBytes, onNoise }: FrameReaderOptions) {
    this.#onNoise = onNoise;
    this.#frame = new GrowingBuffer(maxFrameBytes);
  }

  /** True when the stream stands in the middle of a frame. */
  get unfinished(): boolean {
    return this.#inside;
  }

  /**
   * Takes the next bytes and yields each frame's content that they complete.
   * @throws FrameError when a frame is over the cap
   */
  *push(chunk: Buffer): Generator<string> {
    let from = 0;
    while (from < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, from);
      const to = newline === -1 ? chunk.length : newline;
      const bytes = chunk.subarray(from, to);
      if (this.#inside) this.#addToFrame(bytes);
      else this.#addToNoise(bytes);
      if (newline !== -1) {
        const content = this.#inside ? this.#endFrameLine() : this.#endNoiseLine();
        if (content !== undefined) yield content;
      }
      from = to + 1;
    }
  }

  /** The stream has ended: gives out the noise that was held back. */
  end(): void {
    if (this.#held.length > 0) this.#onNoise(this.#held);
    this.#held = Buffer.alloc(0);
  }

  #addToNoise(bytes: Buffer): void {
    const text = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const said = Math.max(0, text.length - LONGEST_MARKER);
    if (said > 0) this.#onNoise(text.subarray(0, said));
    // A copy: a part of the chunk would keep all of it in memory.
    this.#held = Buffer.from(text.subarray(said));
  }

  #endNoiseLine(): undefined {
    const line = this.#held;
    this.#held = Buffer.alloc(0);
    const marker = withoutReturn(line);
    if (!marker.toString('latin1').endsWith(FRAME_START)) {
      this.#onNoise(Buffer.concat([line, NEWLINE]));
      return;
    }
    const before = marker.subarray(0, -FRAME_START.length);
    if (before.length > 0) this.#onNoise(Buffer.concat([before, NEWLINE]));
    this.#begin();
  }

  #addToFrame(bytes: Buffer): void {
    if (!this.#frame.append(bytes)) throw new FrameError(`a frame is longer than ${this.#frame.limit} bytes`);
  }

  #endFrameLine(): string | undefined {
    const line = this.#frame.slice(this.#lineStart);
    const marker = line.length <= LONGEST_MARKER ? withoutReturn(line).toString('latin1') : '';
    if (marker === FRAME_START) this.#begin();
    else if (marker === FRAME_END) {
      const content = this.#frame.slice(0, this.#lineStart).toString('utf8').trim();
      this.#frame.clear();
      this.#inside = false;
      return content;
    } else {
      this.#addToFrame(NEWLINE);
      this.#lineStart = this.#frame.length;
    }
    return undefined;
  }

  #begin(): void {
    this.#inside = true;
    this.#lineStart = 0;
    this.#frame.clear();
  }
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}
