import { NOISE_WA_HEADER } from '@whiskeysockets/baileys';
import { expect, it } from 'vitest';
import { BadIntro, encodeFrame, FrameReader } from './frames.ts';

const frames = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(300, 7)];
const stream = Buffer.concat([NOISE_WA_HEADER, ...frames.map((frame) => encodeFrame(frame))]);

it('the frames of one piece are returned in order', () => {
  expect(new FrameReader().push(stream)).toEqual(frames);
});

it('the frames that arrive byte by byte are joined', () => {
  const reader = new FrameReader();
  const small = stream.subarray(0, 30);
  const found = [...small].flatMap((byte) => reader.push(Buffer.of(byte)));
  expect(found).toEqual(frames.slice(0, 2));
  expect(reader.push(stream.subarray(30))).toEqual(frames.slice(2));
});

it('the frame reader skips the routing info in front of the header', () => {
  const routing = Buffer.concat([Buffer.from('ED'), Buffer.from([0, 1, 0, 0, 5]), Buffer.from('route')]);
  expect(new FrameReader().push(Buffer.concat([routing, stream]))).toEqual(frames);
});

it('the frame reader refuses a stream that does not begin with the header', () => {
  expect(() => new FrameReader().push(Buffer.from('GET / HTTP/1.1'))).toThrow(BadIntro);
});
