import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { silentLog } from '../../test/support/silent-log.ts';
import { encodeFrame, type OutputFrame } from '../protocol/turn.ts';
import { DEFAULT_TIMINGS } from '../timings.ts';
import type { Runtime, Sandbox } from './runtime/runtime.ts';
import { TurnWatch } from './turn-watch.ts';

const SECRET = 'sk-0123456789abcdef';
/** Where the run log's copy of a stream is cut. */
const KEPT = 32 * 1024;

/** A sandbox that writes these pieces and ends. */
async function ending(pieces: { stdout?: readonly string[]; stderr?: readonly string[] }) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const child = { stdin: new PassThrough(), stdout, stderr, kill: () => true } as unknown as Sandbox['child'];
  const frames: OutputFrame[] = [];
  const watch = new TurnWatch({
    name: 'x',
    sandbox: {
      child,
      exited: Promise.resolve({ exitCode: 0, spawnError: undefined }),
      command: [],
      terminate: async () => undefined,
      startFailure: () => undefined,
      ranOutOfMemory: async () => false,
      dispose: async () => undefined,
    },
    runtime: { kill: async () => undefined } as unknown as Runtime,
    onFrame: async (frame) => void frames.push(frame),
    deadlineMs: 60_000,
    secrets: [SECRET],
    clock: { now: () => 0 },
    log: silentLog,
    timings: DEFAULT_TIMINGS,
  });
  const ended = watch.untilEnded();
  for (const piece of pieces.stdout ?? []) stdout.write(piece);
  for (const piece of pieces.stderr ?? []) stderr.write(piece);
  stdout.end();
  stderr.end();
  return { ...(await ended), frames };
}

it.each(['stdout', 'stderr'] as const)(
  'a secret in %s leaves no half behind, wherever the run log’s copy is cut and however it comes',
  async (stream) => {
    const half = SECRET.length / 2;
    // Both cuts go through a secret, and it comes in two pieces.
    const begin = `${'x'.repeat(KEPT - Math.floor(half))}${SECRET}`;
    const end = `${SECRET}${'y'.repeat(KEPT - Math.floor(half))}`;
    const text = `${begin}${'z'.repeat(3 * KEPT)}${end}`;
    const at = KEPT - 2;
    const found = await ending({ [stream]: [text.slice(0, at), text.slice(at, -at), text.slice(-at)] });
    expect(found[stream]).not.toMatch(/sk-|0123|cdef/);
    expect(found[stream]).toContain('x[redacted');
  },
);

it('a frame’s error and advice hold no secret', async () => {
  const frame = encodeFrame({ status: 'error', error: `no ${SECRET}`, advice: `change ${SECRET}` });
  const { frames } = await ending({ stdout: [frame] });
  expect(frames).toMatchObject([{ error: 'no [redacted]', advice: 'change [redacted]' }]);
});
