import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../clock.ts';
import { Allowance } from './allowance.ts';
import { CANARY, socketOf, startProxy, type TestProxy } from './testing/proxy.ts';
import { startService } from './testing/service.ts';

/** A clock that stands, until it is set. */
function standingClock(): Clock & { time: number } {
  return {
    time: 1_000_000,
    now() {
      return this.time;
    },
  };
}

async function twoRuns(clock: Clock) {
  const service = await startService();
  const proxy = await startProxy({ ANTHROPIC_API_KEY: CANARY, ANTHROPIC_BASE_URL: service.url }, { clock });
  const hostile = await proxy.issue('claude', 'run-1');
  const neighbour = await proxy.issue('claude', 'run-2');
  return { service, proxy, hostile, neighbour };
}

function connectTo(path: string): Socket {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  // A cut connection is what these tests are about.
  socket.on('error', () => undefined);
  return socket;
}

/** Resolves at its end, however it came. */
function endOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.resume().once('close', () => resolve()));
}

const isServed = async ({ call }: TestProxy, run: Awaited<ReturnType<TestProxy['issue']>>) =>
  (await call({ path: '/v1/messages', headers: { 'x-api-key': run.token }, body: '{}', at: run })).status;

describe('a sandbox that misbehaves', () => {
  it('uses up the connections of its own socket alone', async () => {
    const { proxy, hostile, neighbour } = await twoRuns(standingClock());
    const sockets = Array.from({ length: 200 }, () => connectTo(socketOf(hostile)));
    const closed = sockets.map(endOf);
    // 128 are held, the others dropped: 72 of them see their end.
    let ended = 0;
    await new Promise<void>((resolve) => {
      for (const one of closed) {
        void one.then(() => {
          ended += 1;
          if (ended === 72) resolve();
        });
      }
    });
    expect(await isServed(proxy, neighbour)).toBe(200);
    expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(128);
  });

  it('is cut off for good when it floods its socket with pipelined requests, which is logged once', async () => {
    const { proxy, hostile, neighbour, service } = await twoRuns(standingClock());
    const socket = connectTo(socketOf(hostile));
    const closed = endOf(socket);
    socket.write(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: wrong\r\n\r\n`.repeat(5_000));
    await closed;
    await expect(isServed(proxy, hostile)).rejects.toThrow(/ENOENT|ECONNREFUSED|ECONNRESET/);
    expect(await isServed(proxy, neighbour)).toBe(200);
    expect(service.asked).toHaveLength(1);
    expect(proxy.logged().match(/floods the keys’ proxy/g)).toHaveLength(1);
    expect(proxy.logged().match(/Model request refused/g)?.length).toBeLessThan(251);
  });

  it('is cut off too when it only connects again and again', async () => {
    const { proxy, hostile } = await twoRuns(standingClock());
    for (let count = 0; !proxy.logged().includes('floods') && count < 2_000; count += 1) {
      const socket = connectTo(socketOf(hostile));
      await Promise.race([once(socket, 'connect').catch(() => undefined), endOf(socket)]);
      socket.destroy();
    }
    expect(proxy.logged()).toContain('floods the keys’ proxy');
  });
});

describe('a rate limit', () => {
  it('is used up at once and refills with time, up to its burst', () => {
    const clock = standingClock();
    const allowance = new Allowance(3, 2, clock);
    const use = () => [1, 2, 3, 4].map(() => allowance.use());
    expect(use()).toEqual([true, true, true, false]);
    clock.time += 500;
    expect(use()).toEqual([true, false, false, false]);
    clock.time += 3_600_000;
    expect(use()).toEqual([true, true, true, false]);
  });

  it('is not changed by a clock that is set back', () => {
    const clock = standingClock();
    const allowance = new Allowance(1, 1, clock);
    expect(allowance.use()).toBe(true);
    clock.time -= 60_000;
    expect(allowance.use()).toBe(false);
    clock.time += 1_000;
    expect(allowance.use()).toBe(true);
  });
});
