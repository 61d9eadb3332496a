import { NOISE_WA_HEADER } from '@whiskeysockets/baileys';

const ROUTING_MARK = Buffer.from('ED');
/** 'ED', two bytes of version, three bytes of length. */
const ROUTING_HEAD_LENGTH = 7;
const LENGTH_BYTES = 3;

/** The client's first bytes are not WhatsApp's protocol header. */
export class BadIntro extends Error {
  constructor(found: Buffer) {
    super(
      `The first bytes are ${found.toString('hex')}, expected ${NOISE_WA_HEADER.toString('hex')}: connect with a WhatsApp Web client of this protocol version.`,
    );
    this.name = 'BadIntro';
  }
}

/** Puts the 3-byte big-endian length in front of a frame. */
export function encodeFrame(data: Uint8Array): Buffer {
  const head = Buffer.alloc(LENGTH_BYTES);
  head.writeUIntBE(data.length, 0, LENGTH_BYTES);
  return Buffer.concat([head, data]);
}

/** Cuts the byte stream of one client into frames, after its intro (with or without routing info). */
export class FrameReader {
  #bytes = Buffer.alloc(0);
  #introRead = false;

  /**
   * @returns the frames that are complete now, in order.
   * @throws BadIntro when the stream does not begin with the protocol's header.
   */
  push(data: Uint8Array): Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    if (!this.#introRead && !this.#readIntro()) return [];
    const frames: Buffer[] = [];
    while (this.#bytes.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#bytes.readUIntBE(0, LENGTH_BYTES);
      if (this.#bytes.length < end) break;
      frames.push(this.#bytes.subarray(LENGTH_BYTES, end));
      this.#bytes = this.#bytes.subarray(end);
    }
    return frames;
  }

  #readIntro(): boolean {
    let start = 0;
    if (this.#bytes.subarray(0, 2).equals(ROUTING_MARK)) {
      if (this.#bytes.length < ROUTING_HEAD_LENGTH) return false;
      start = ROUTING_HEAD_LENGTH + this.#bytes.readUIntBE(4, LENGTH_BYTES);
    }
    const end = start + NOISE_WA_HEADER.length;
    if (this.#bytes.length < end) return false;
    const header = this.#bytes.subarray(start, end);
    if (!header.equals(NOISE_WA_HEADER)) throw new BadIntro(header);
    this.#bytes = this.#bytes.subarray(end);
    this.#introRead = true;
    return true;
  }
}
