import { request } from 'node:http';
import { Curve } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';
import { verifyXEdDSA } from './wire/xeddsa.ts';

let rig: Rig;

beforeEach(async () => {
  rig = await startRig();
});

afterEach(async () => {
  await rig.close();
});

describe('the offline backlog', () => {
  it('arrives in order, as append, before the client is open', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const peter = simulator.addPerson({ name: 'Peter' });
    await rig.eventually(() => client.creds.accountSyncCounter > 0);
    await client.end();
    await rig.eventually(() => simulator.connections() === 0);
    const texts = Array.from({ length: 120 }, (_, n) => `missed ${n}`);
    for (const text of texts) await simulator.say({ chat: peter.jid, as: peter, text });
    expect(simulator.devices()[0]).toMatchObject({ online: false, waiting: 120 });

    const from = client.seen.length;
    await client.open();
    const seen = client.seen.slice(from);
    const opened = seen.findIndex((each) => each.kind === 'connection' && each.update.connection === 'open');
    const before = seen.slice(0, opened).filter((each) => each.kind === 'message');
    expect(before.map(({ message }) => textOf(message))).toEqual(texts);
    expect(new Set(before.map(({ type }) => type))).toEqual(new Set(['append']));
    await rig.eventually(() => simulator.devices()[0]?.waiting === 0);
  });

  it('also holds a message that was sent as "offline"', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    await simulator.say({ chat: simulator.selfChat, text: 'later', offline: true });
    await simulator.say({ chat: simulator.selfChat, text: 'now' });
    await client.message('now');
    expect(client.seen.some((each) => each.kind === 'message' && textOf(each.message) === 'later')).toBe(
      false,
    );
    await client.end();
    await client.open();
    expect((await client.message('later')).upsertType).toBe('append');
  });

  it('repeats what the client had not acknowledged', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    await rig.eventually(() => client.creds.accountSyncCounter > 0);
    await client.end();
    for (let n = 0; n < 10; n++) await simulator.say({ chat: simulator.selfChat, text: `missed ${n}` });
    simulator.faults.dropDuringBacklog(4);
    client.connect();
    expect(await client.closed()).toBe(428);
    await rig.eventually(() => simulator.connections() === 0);
    const left = simulator.devices()[0]?.waiting ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(10);
    const again: string[] = [];
    simulator.on('stanza', ({ direction, node }) => {
      if (direction === 'out' && node.tag === 'message' && node.attrs.offline)
        again.push(node.attrs.id ?? '');
    });
    await client.open();
    expect(again).toEqual(
      simulator
        .chat(simulator.selfChat)
        .slice(10 - left)
        .map(({ id }) => id),
    );
    await rig.eventually(() => simulator.devices()[0]?.waiting === 0);
  });
});

describe('the phone’s data for a new device', () => {
  it('is sent again at the next login when the first one was interrupted before the client had it', async () => {
    const { simulator, client } = rig;
    await rig.pair();
    const stop = simulator.on('login', () => simulator.faults.dropConnections());
    client.connect();
    await client.closed();
    stop();
    await rig.eventually(() => simulator.connections() === 0);
    expect(simulator.devices()).toMatchObject([{ online: false, waiting: 0 }]);
    const history: unknown[] = [];
    simulator.on('stanza', ({ direction, node }) => {
      if (direction === 'in' && node.attrs.type === 'hist_sync') history.push(node);
    });
    await client.open();
    await rig.eventually(() => history.length === 1);
  });
});

describe('acks', () => {
  it('are withheld while the message is delivered, and sent when released', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const peter = simulator.addPerson({ name: 'Peter' });
    simulator.faults.withholdAcks(1);
    const acknowledged: string[] = [];
    client.socket.ws.on('CB:ack,class:message', ({ attrs }: { attrs: { id: string } }) =>
      acknowledged.push(attrs.id),
    );
    await client.socket.sendMessage(peter.jid, { text: 'first' }, { messageId: 'ONE' });
    await client.socket.sendMessage(peter.jid, { text: 'second' }, { messageId: 'TWO' });
    await rig.eventually(() => acknowledged.length > 0);
    expect(acknowledged).toEqual(['TWO']);
    expect(simulator.chat(peter.jid).map(({ text }) => text)).toEqual(['first', 'second']);
    expect(simulator.faults.releaseAcks()).toBe(1);
    await rig.eventually(() => acknowledged.length === 2);
    expect(acknowledged).toEqual(['TWO', 'ONE']);
  });

  it('are lost with a lost connection', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    simulator.faults.withholdAcks();
    await client.socket.sendMessage(simulator.selfChat, { text: 'into the void' });
    await simulator.waitFor(({ text }) => text === 'into the void');
    simulator.faults.dropConnections();
    await rig.eventually(() => simulator.connections() === 0);
    expect(simulator.faults.releaseAcks()).toBe(0);
  });

  it('may be error 463, and then the message reaches no one', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const peter = simulator.addPerson({ name: 'Peter' });
    simulator.faults.rejectSends(463);
    const sent = await client.socket.sendMessage(peter.jid, { text: 'refused' });
    expect((await client.refused(sent?.key.id ?? ''))[0]).toBe('463');
    expect(simulator.chat(peter.jid)).toEqual([]);
    await client.socket.sendMessage(peter.jid, { text: 'accepted' });
    await simulator.waitFor(({ text }) => text === 'accepted');
  });

  it('answer a resend under the same id too, and the chat shows the message once', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const acknowledged: string[] = [];
    client.socket.ws.on('CB:ack,class:message', ({ attrs }: { attrs: { id: string } }) =>
      acknowledged.push(attrs.id),
    );
    for (let n = 0; n < 2; n++) {
      await client.socket.sendMessage(simulator.selfChat, { text: 'twice' }, { messageId: 'SAME' });
    }
    await rig.eventually(() => acknowledged.length === 2);
    expect(simulator.chat(simulator.selfChat)).toHaveLength(1);
    expect(simulator.sends('SAME')).toBe(2);
    expect(simulator.problems).toEqual([]);
  });
});

describe('the client’s connection', () => {
  it.each([401, 403, 405, 408, 411, 419, 428, 440, 500, 503, 515])('is closed with %i', async (code) => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const closed = client.closed();
    expect(await simulator.faults.closeWith(code)).toBe(1);
    expect(await closed).toBe(code);
    await client.open();
  });

  it.each([401, 403, 405, 411, 419, 500, 503])(
    'is refused at login with failure %i, as often as configured',
    async (code) => {
      const { simulator, client } = rig;
      await rig.pair();
      simulator.faults.refuseLogins(code, 1);
      client.connect();
      expect(await client.closed()).toBe(code);
      await client.open();
    },
  );

  it('is cut without a close code', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const closed = client.closed();
    expect(simulator.faults.dropConnections()).toBe(1);
    expect(await closed).toBe(428);
  });

  it('is replaced by a newer one of the same device', async () => {
    const { client } = rig;
    await rig.pairAndOpen();
    const closed = client.closed();
    const older = client.socket;
    await client.open();
    expect(await closed).toBe(440);
    await older.end(undefined);
  });

  it('is answered HTTP 503 at the upgrade', async () => {
    const { simulator } = rig;
    simulator.faults.refuseUpgrades(503, 1);
    const status = await new Promise((resolve, reject) => {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'c2ltdWxhdG9yLXRlc3Qta2V5',
      };
      const upgrade = request(simulator.url.replace('ws', 'http'), { headers }, ({ statusCode }) =>
        resolve(statusCode),
      );
      upgrade.on('error', reject);
      upgrade.end();
    });
    expect(status).toBe(503);
    await rig.pairAndOpen();
  });

  it('fails while the network is down, and messages meanwhile wait', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const closed = client.closed();
    simulator.faults.goOffline();
    expect([428, 408]).toContain(await closed);
    client.connect();
    expect(await client.closed()).toBe(408);
    await simulator.say({ chat: simulator.selfChat, text: 'are you there?' });
    simulator.faults.comeBack();
    await client.open();
    expect((await client.message('are you there?')).upsertType).toBe('append');
  });

  it('ends permanently when the owner unlinks the device', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const closed = client.closed();
    expect(await simulator.faults.unlinkDevices()).toBe(1);
    expect(await closed).toBe(401);
    client.connect();
    expect(await client.closed()).toBe(401);
  });

  it('ends permanently when the client logs out', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    await client.socket.logout();
    await rig.eventually(() => simulator.devices().length === 0);
    client.connect();
    expect(await client.closed()).toBe(401);
  });

  it('is refused to a device with another noise key', async () => {
    const { client } = rig;
    await rig.pair();
    Object.assign(client.creds, { noiseKey: Curve.generateKeyPair() });
    client.connect();
    expect(await client.closed()).toBe(401);
  });
});

describe('standing faults', () => {
  it('end at once when they are cleared', async () => {
    const { simulator } = rig;
    const { faults } = simulator;
    faults.goOffline();
    faults.refuseLogins(403);
    faults.refuseUpgrades();
    faults.rejectSends(463, 5);
    faults.withholdAcks();
    faults.breakCertificate('leaf');
    faults.clear();
    expect(faults.standing).toMatchObject({ offline: false, certificate: 'none', withholdingAcks: false });
    await rig.pairAndOpen();
  });
});

describe.each(['leaf', 'intermediate'] as const)('a wrong signature of the %s certificate', (which) => {
  const verify = Curve.verify;

  afterEach(() => {
    Curve.verify = verify;
  });

  it('is not noticed by unmodified Baileys', async () => {
    rig.simulator.faults.breakCertificate(which);
    await rig.pair();
    expect(rig.simulator.devices()).toHaveLength(1);
  });

  it('stops a client that really checks signatures', async () => {
    Curve.verify = verifyXEdDSA;
    rig.simulator.faults.breakCertificate(which);
    rig.client.connect();
    expect(await rig.client.closed()).toBe(400);
    rig.simulator.faults.clear();
    await rig.pairAndOpen();
  });
});

describe('a delayed ack', () => {
  it('arrives after the message was delivered, and later messages are acknowledged at once', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    simulator.faults.delayAcks(3_000, 1);
    const acks: string[] = [];
    simulator.on('stanza', ({ direction, node }) => {
      if (direction === 'out' && node.tag === 'ack' && node.attrs.class === 'message')
        acks.push(node.attrs.id ?? '');
    });
    const slow = await client.socket.sendMessage(simulator.selfChat, { text: 'slow' });
    await simulator.waitFor(({ text }) => text === 'slow');
    const fast = await client.socket.sendMessage(simulator.selfChat, { text: 'fast' });
    await rig.eventually(() => acks.length === 2);
    expect(acks).toEqual([fast?.key.id, slow?.key.id]);
  });
});

describe('an unresponsive connection', () => {
  it('stays open and answers no ping, and a new one works', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    expect(simulator.faults.deafen()).toBe(1);
    await simulator.say({ chat: simulator.selfChat, text: 'anybody?' });
    const ping = {
      tag: 'iq',
      attrs: { to: '@s.whatsapp.net', type: 'get', xmlns: 'w:p' },
      content: [{ tag: 'ping', attrs: {} }],
    };
    await expect(client.socket.query(ping, 200)).rejects.toThrow('Timed Out');
    expect(simulator.connections()).toBe(1);
    await client.end();
    await client.open();
    await client.message('anybody?');
  });

  it('does not even answer the handshake when it is new, and ignores that the client closes', async () => {
    const { simulator, client } = rig;
    await rig.pair();
    await rig.eventually(() => simulator.connections() === 0);
    simulator.faults.deafen({ wire: true, next: 1 });
    const deaf = client.connect();
    await rig.eventually(() => deaf.ws.isOpen);
    let ended = false;
    const ending = deaf.end(undefined).then(() => {
      ended = true;
    });
    await client.open();
    expect(ended).toBe(false);
    expect(simulator.connections()).toBe(2);
    await simulator.close();
    await ending;
  });
});

describe('a restricted account', () => {
  it('is notified of it, has its sends refused, and is notified when it is over', async () => {
    const { simulator, client } = rig;
    await rig.pairAndOpen();
    const told = (active: boolean) =>
      client.until('restriction', (seen) =>
        seen.kind === 'connection' && seen.update.reachoutTimeLock?.isActive === active
          ? seen.update.reachoutTimeLock
          : undefined,
      );
    const before = Date.now();
    simulator.faults.restrictAccount(true, 3600);
    const ends = (await told(true)).timeEnforcementEnds?.getTime() ?? 0;
    expect(Math.abs(ends - before - 3_600_000)).toBeLessThan(5_000);
    expect(await client.socket.fetchAccountReachoutTimelock()).toMatchObject({ isActive: true });
    simulator.faults.clear();
    await told(false);
    expect(await client.socket.fetchAccountReachoutTimelock()).toMatchObject({ isActive: false });
    expect(simulator.problems).toEqual([]);
  });
});
