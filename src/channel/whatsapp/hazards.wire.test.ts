import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

describe('the server’s certificate', () => {
  it.each(['leaf', 'intermediate'] as const)(
    'is refused when its %s was signed by a stranger',
    async (which) => {
      rig.server.faults.breakCertificate(which);
      await rig.channel.start();
      const refused = await rig.listener.until(
        () =>
          rig.listener.lines.find(
            (line) => line.status === 'connecting' && line.reason?.includes('signature invalid'),
          ),
        'the refusal',
      );
      expect(refused).toMatchObject({
        reason: expect.stringMatching(/certificate signature invalid; next try in/),
      });
      expect(rig.listener.lines.some((line) => line.status === 'unpaired')).toBe(false);
    },
  );

  it('is refused when it comes from another root than the given one', async () => {
    const stranger = await Simulator.start();
    rig.make({ rootKey: stranger.rootKey });
    await rig.channel.start();
    await rig.listener.until(
      () =>
        rig.listener.lines.find((line) => line.status === 'connecting' && line.reason?.includes('invalid')),
      'the refusal',
    );
    expect(rig.listener.lines.some((line) => line.status === 'unpaired')).toBe(false);
    await stranger.close();
  });

  it('is refused when no root is configured, because WhatsApp’s own root did not sign it', async () => {
    rig.make({ rootKey: undefined });
    await rig.channel.start();
    await rig.listener.until(
      () =>
        rig.listener.lines.find((line) => line.status === 'connecting' && line.reason?.includes('invalid')),
      'the refusal',
    );
    expect(rig.listener.lines.some((line) => line.status === 'unpaired')).toBe(false);
  });

  it('is accepted again once it is right, without any intervention', async () => {
    rig.server.faults.breakCertificate('leaf');
    await rig.channel.start();
    await rig.listener.until(
      () =>
        rig.listener.lines.find((line) => line.status === 'connecting' && line.reason?.includes('invalid')),
      'the refusal',
    );
    rig.server.faults.breakCertificate('none');
    expect(await rig.listener.qr()).toContain(',');
  });
});

describe('the backlog of an outage', () => {
  const texts = Array.from({ length: 20 }, (_, n) => `backlog ${n}`);

  it('arrives whole, once and in order, before the connection opens', async () => {
    await rig.pair();
    rig.server.faults.goOffline();
    for (const text of texts) await rig.server.say({ chat: rig.server.selfChat, text });
    const since = rig.listener.lines.length;
    rig.server.faults.comeBack();
    await rig.listener.message('backlog 19');
    expect(rig.listener.texts).toEqual(texts);
    await rig.listener.line('open', since);
  });

  it('is not overtaken by live messages that come while it is worked on', async () => {
    await rig.pair();
    const { server } = rig;
    const peter = server.addPerson({ name: 'Peter' });
    server.faults.goOffline();
    for (const text of texts) await server.say({ chat: peter.jid, as: peter, text });
    const since = rig.listener.lines.length;
    const stop = server.on('stanza', ({ direction, node }) => {
      if (direction !== 'out' || node.attrs.offline !== '19') return;
      stop();
      void server
        .say({ chat: peter.jid, as: peter, text: 'live' })
        .then(({ id }) => server.edit(id, 'live, edited'));
    });
    server.faults.comeBack();
    await rig.listener.until(() => rig.listener.changes[0], 'the edit');
    expect(rig.listener.texts).toEqual([...texts, 'live']);
    await rig.listener.line('open', since);
    expect(server.problems).toEqual([]);
  });

  it('is not cut by the watchdog of the connect timeout as long as it comes in', async () => {
    await rig.pair();
    await rig.restart({ timings: { connectTimeoutMs: 1_000 } });
    await rig.listener.line('open');
    rig.server.faults.slowBacklog(150);
    rig.server.faults.goOffline();
    for (const text of texts) await rig.server.say({ chat: rig.server.selfChat, text });
    const since = rig.listener.lines.length;
    rig.server.faults.comeBack();
    await rig.listener.line('open', since);
    expect(rig.listener.texts).toEqual(texts);
    expect(rig.listener.lines.slice(since)).not.toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining('did not complete') }),
    );
  });

  it.each([1, 4, 7, 12, 19])(
    'survives a close after %i receipts: receipted, half-handled and remaining messages all arrive',
    async (receipts) => {
      await rig.pair();
      rig.server.faults.goOffline();
      const more = [...texts, ...texts.map((text) => `${text} again`)];
      for (const text of more) await rig.server.say({ chat: rig.server.selfChat, text });
      rig.server.faults.dropDuringBacklog(receipts);
      rig.server.faults.comeBack();
      const seen = () => [...new Set(rig.listener.texts)];
      await rig.listener.until(() => (seen().length === more.length ? true : undefined), 'all of it');
      expect(seen()).toEqual(more);
    },
  );
});

describe('an upgrade that never becomes a connection', () => {
  it('is tried again after an HTTP 503, which closes nothing by itself', async () => {
    rig.server.faults.refuseUpgrades(503, 2);
    await rig.channel.start();
    expect(await rig.listener.qr()).toContain(',');
    const reasons = rig.listener.lines.map((line) =>
      line.status === 'connecting' ? line.reason : undefined,
    );
    expect(reasons.filter((reason) => reason?.includes('HTTP 503'))).toHaveLength(2);
  });

  it('is given up by the watchdog when the server says nothing at all', async () => {
    const taken: Socket[] = [];
    const silent = createServer((socket) => taken.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    rig.make({ url: `ws://127.0.0.1:${port}/ws/chat`, timings: { connectTimeoutMs: 150 } });
    await rig.channel.start();
    await rig.listener.until(() => (taken.length >= 3 ? true : undefined), 'three attempts');
    expect(rig.listener.lines).toContainEqual({
      status: 'connecting',
      reason: expect.stringContaining('did not complete the connection within 150 ms'),
    });
    await rig.channel.stop();
    for (const socket of taken) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});
