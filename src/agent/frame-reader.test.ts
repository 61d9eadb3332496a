import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FRAME_END, FRAME_START } from '../protocol/turn.ts';
import { FrameError, FrameReader } from './frame-reader.ts';

const KB = 1024;

function reading(maxFrameBytes = 64 * KB) {
  const noise: Buffer[] = [];
  const reader = new FrameReader({ maxFrameBytes, onNoise: (bytes) => noise.push(Buffer.from(bytes)) });
  return {
    reader,
    push: (text: string | Buffer) => [...reader.push(Buffer.from(text))],
    noise: () => {
      reader.end();
      return Buffer.concat(noise).toString();
    },
  };
}

const frame = encodeFrame({ status: 'success', result: 'pong' });
const content = JSON.stringify({ status: 'success', result: 'pong' });

describe('a frame reader', () => {
  it('finds a frame between lines of noise', () => {
    const { push, noise } = reading();
    expect(push(`before\n${frame}after\n`)).toEqual([content]);
    expect(noise()).toBe('before\nafter\n');
  });

  it('finds the same frames and the same noise however the stream is cut', () => {
    const stream = Buffer.from(
      `nöise\n${frame}\r\n---NANOCLAW\n${frame}${frame.replaceAll('\n', '\r\n')}end`,
    );
    const whole = reading();
    const frames = whole.push(stream);
    expect(frames).toHaveLength(3);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 40 }), (cuts) => {
        const cut = reading();
        const found: string[] = [];
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), stream.length]) {
          found.push(...cut.push(stream.subarray(from, to)));
          from = to;
        }
        expect(found).toEqual(frames);
        expect(cut.noise()).toBe(whole.noise());
      }),
    );
  });

  it('accepts an answer that quotes the markers', () => {
    const quoting = { status: 'success', result: `${FRAME_START}\n${FRAME_END}\n` } as const;
    expect(
      reading()
        .push(encodeFrame(quoting))
        .map((text) => JSON.parse(text)),
    ).toEqual([quoting]);
  });

  it('starts a frame although the line before it has no end', () => {
    const { push, noise } = reading();
    expect(push(`progress…${frame}`)).toEqual([content]);
    expect(noise()).toBe('progress…\n');
  });

  it('treats an end marker without a start marker as noise', () => {
    const { push, noise } = reading();
    expect(push(`${FRAME_END}\n${frame}`)).toEqual([content]);
    expect(noise()).toBe(`${FRAME_END}\n`);
  });

  it('starts over at a second start marker', () => {
    expect(reading().push(`${FRAME_START}\nhalf a fra\n${frame}`)).toEqual([content]);
  });

  it('reports a stream that ends in the middle of a frame', () => {
    const { reader, push } = reading();
    push(`${FRAME_START}\n{"status"`);
    expect(reader.unfinished).toBe(true);
    push(`:"success"}\n${FRAME_END}\n`);
    expect(reader.unfinished).toBe(false);
  });

  it('gives up a frame over the size limit, with newlines or without', () => {
    for (const piece of ['x'.repeat(KB), 'x\n'.repeat(KB / 2), '\n'.repeat(KB)]) {
      const { push } = reading(16 * KB);
      push(`${FRAME_START}\n`);
      expect(() => {
        for (let count = 0; count < 17; count += 1) push(piece);
      }).toThrow(FrameError);
    }
  });

  it('drops a flood outside frames, and still finds what follows', () => {
    let seen = 0;
    const reader = new FrameReader({
      maxFrameBytes: KB,
      onNoise: (bytes) => {
        seen += bytes.length;
      },
    });
    const chunk = Buffer.alloc(KB * KB, 'x');
    for (let megabytes = 0; megabytes < 10; megabytes += 1) expect([...reader.push(chunk)]).toEqual([]);
    expect([...reader.push(Buffer.from(`\n${frame}`))]).toEqual([content]);
    reader.end();
    expect(seen).toBe(10 * KB * KB + 1);
  });
});
