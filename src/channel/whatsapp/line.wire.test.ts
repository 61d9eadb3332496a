import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { MINUTE } from '../../clock.ts';
import { inspectCredentials } from './credentials.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
});

afterEach(async () => {
  await rig.close();
});

describe('a connection that closes', () => {
  it('reconnects after the network was cut', async () => {
    await rig.pair();
    const since = rig.listener.lines.length;
    rig.server.faults.dropConnections();
    expect(await rig.listener.line('connecting', since)).toMatchObject({
      reason: expect.stringContaining('next try in'),
    });
    await rig.listener.line('open', since);
    expect(rig.server.connections()).toBe(1);
  });

  it('keeps trying while the server is unreachable', async () => {
    await rig.pair();
    rig.server.faults.goOffline();
    const tries = () =>
      rig.listener.lines.filter((line) => line.status === 'connecting' && line.reason).length;
    const before = tries();
    await rig.listener.until(() => (tries() - before >= 5 ? true : undefined), 'five tries');
    const since = rig.listener.lines.length;
    rig.server.faults.comeBack();
    await rig.listener.line('open', since);
  });

  it('logs an error once an hour while the server is unreachable', async () => {
    let now = Date.now();
    rig.make({ clock: { now: () => now } });
    await rig.pair();
    rig.server.faults.goOffline();
    const waits = () =>
      rig.listener.lines.filter((line) => line.status === 'connecting' && line.reason?.includes('next try'))
        .length;
    const reports = () => rig.log.match(/no connection to WhatsApp for an hour/g)?.length ?? 0;
    for (const hour of [0, 1, 2]) {
      const before = waits();
      await rig.listener.until(() => (waits() - before >= 2 ? true : undefined), 'two tries');
      expect(reports()).toBe(hour);
      now += 61 * MINUTE;
    }
  });

  it.each([401, 403, 405])(
    'backs off when a proxy answers HTTP %i, which says nothing about the account',
    async (status) => {
      await rig.pair();
      await rig.channel.stop();
      rig.server.faults.refuseUpgrades(status, 2);
      rig.make();
      await rig.channel.start();
      await rig.listener.line('open');
      expect(rig.listener.lines.some((line) => line.status === 'stopped')).toBe(false);
    },
  );

  it('does not retry at once twice in a row after 515, so that a faulty server causes no flood', async () => {
    await rig.pair();
    await rig.channel.stop();
    rig.server.faults.refuseLogins(515);
    rig.make({ random: () => 0 });
    await rig.channel.start();
    const waited = await rig.listener.until(
      () =>
        rig.listener.lines.find(
          (line) => line.status === 'connecting' && line.reason?.includes('next try in'),
        ),
      'a wait',
    );
    expect(waited.status).toBe('connecting');
  });

  it('does not reconnect at once each time that a server accepts the login and then sends 515', async () => {
    await rig.pair();
    const wait = { status: 'connecting', reason: expect.stringMatching(/; next try in \d+ s$/) };
    for (const first of [{ status: 'connecting' }, wait, wait]) {
      const since = rig.listener.lines.length;
      await rig.server.faults.closeWith(515);
      await rig.listener.line('open', since);
      expect(rig.listener.lines[since]).toEqual(first);
    }
  });

  it('reconnects at once again after a connection that lasted', async () => {
    const clock = { at: Date.now(), now: () => clock.at };
    rig.make({ clock });
    await rig.pair();
    for (let n = 0; n < 3; n += 1) {
      const since = rig.listener.lines.length;
      clock.at += MINUTE;
      await rig.server.faults.closeWith(515);
      await rig.listener.line('open', since);
      expect(rig.listener.lines[since]).toEqual({ status: 'connecting' });
    }
  });

  it.each([1, 2, 3])('leaves one connection after many closes in a row (round %i)', async () => {
    await rig.pair();
    for (let n = 0; n < 10; n += 1) {
      const since = rig.listener.lines.length;
      rig.server.faults.dropConnections();
      await rig.listener.line('open', since);
    }
    expect(rig.server.connections()).toBe(1);
    await rig.server.say({ chat: rig.server.selfChat, text: 'still here' });
    await rig.listener.message('still here');
    expect(rig.listener.texts).toEqual(['still here']);
  });
});

describe('a connection that must not be restored', () => {
  it('archives the account when the phone unlinks the device, and pairs again at the next start', async () => {
    await rig.pair();
    await rig.server.faults.unlinkDevices();
    expect(await rig.listener.line('stopped')).toMatchObject({
      code: 401,
      reason: expect.stringContaining('pair'),
    });
    expect(inspectCredentials(rig.databaseFile)).toEqual({ status: 'unpaired' });
    await rig.restart();
    await rig.server.scanQr(await rig.listener.qr());
    await rig.listener.line('open');
    const { firstPairing } = await rig.listener.until(() => rig.listener.accounts[0], 'the account');
    expect(firstPairing).toBe(true);
  });
});

describe('QR codes that nobody scans', () => {
  it('are followed by new ones while a person watches', async () => {
    rig.make({ qrTimeoutMs: 20, keepOfferingQr: true });
    await rig.channel.start();
    const seen = () =>
      new Set(rig.listener.lines.map((line) => (line.status === 'unpaired' ? line.qr : undefined)));
    await rig.listener.until(() => (seen().size > 10 ? true : undefined), 'more QRs than one attempt has');
    expect(rig.listener.lines.some((line) => line.status === 'stopped')).toBe(false);
  });
});

describe('start and stop', () => {
  it('may be called twice and at once', async () => {
    await Promise.all([rig.channel.start(), rig.channel.start()]);
    await rig.listener.qr();
    expect(rig.server.connections()).toBe(1);
    await Promise.all([rig.channel.stop(), rig.channel.stop()]);
    await rig.channel.stop();
    const told = rig.listener.lines.length;
    await rig.channel.start();
    await rig.listener.qr(told);
    expect(rig.server.connections()).toBe(1);
  });

  it('happen in the order in which they were asked for', async () => {
    await Promise.all([rig.channel.start(), rig.channel.stop()]);
    expect(rig.channel.state).toEqual({ status: 'connecting', reason: 'not started' });
    expect(rig.server.connections()).toBe(0);
    await Promise.all([rig.channel.start(), rig.channel.stop(), rig.channel.start()]);
    await rig.listener.qr();
  });

  it('stop in the middle of connecting, waiting and pairing', async () => {
    await rig.channel.start();
    await rig.channel.stop();
    rig.server.faults.goOffline();
    await rig.channel.start();
    await rig.listener.until(
      () =>
        rig.listener.lines.find((line) => line.status === 'connecting' && line.reason?.includes('next try')),
      'a wait',
    );
    await rig.channel.stop();
    const told = rig.listener.lines.length;
    rig.server.faults.comeBack();
    expect(rig.server.connections()).toBe(0);
    expect(rig.listener.lines).toHaveLength(told);
  });

  it('do not log the device out', async () => {
    await rig.pair();
    await rig.channel.stop();
    expect(rig.server.devices()).toHaveLength(1);
    expect(inspectCredentials(rig.databaseFile)).toMatchObject({
      status: 'paired',
      number: rig.server.owner.jid.split('@')[0],
    });
  });
});

describe('the first pairing', () => {
  it('is reported again after a restart when the listener did not take it', async () => {
    rig.listener.onAccount = () => {
      throw new Error('the database is full');
    };
    await rig.pair();
    await rig.restart();
    const { firstPairing } = await rig.listener.until(() => rig.listener.accounts[0], 'the account');
    expect(firstPairing).toBe(true);
    await rig.restart();
    const again = await rig.listener.until(() => rig.listener.accounts[0], 'the account');
    expect(again.firstPairing).toBe(false);
  });

  it('survives a process that ends between the scan and the first login', async () => {
    await rig.channel.start();
    const qr = await rig.listener.qr();
    rig.server.faults.refuseLogins(503);
    await rig.server.scanQr(qr);
    await rig.restart();
    rig.server.faults.clear();
    await rig.listener.line('open');
    expect(rig.server.devices()).toHaveLength(1);
    const { firstPairing } = await rig.listener.until(() => rig.listener.accounts[0], 'the account');
    expect(firstPairing).toBe(true);
  });
});
