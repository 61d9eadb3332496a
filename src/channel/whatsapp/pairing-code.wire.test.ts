import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { inspectCredentials } from './credentials.ts';
import { Rig } from './testing/rig.ts';

const START = Date.UTC(2026, 0, 1);
/** A code is made from a key that takes a processor a while, and must be there before the six QRs of a connection are used up. */
const QR_MS = 400;

let rig: Rig<Simulator>;
let number: string;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  number = rig.server.owner.jid.split('@')[0] ?? '';
});

afterEach(async () => {
  await rig.close();
});

/** The next code that is shown, from the `since`-th state on. */
async function code(since = 0): Promise<string> {
  return rig.listener.until(() => {
    const state = rig.listener.lines.slice(since).find((line) => line.status === 'unpaired');
    return state?.status === 'unpaired' ? state.pairingCode : undefined;
  }, 'a code');
}

describe('a pairing by code', () => {
  it('links the account and reports it as a QR code does', async () => {
    rig.make({ pairWith: number });
    await rig.channel.start();
    await rig.server.enterCode(await code());
    await rig.listener.line('open');
    expect(rig.listener.accounts).toMatchObject([
      { account: { jid: rig.server.owner.jid }, firstPairing: true },
    ]);
    await rig.server.say({ chat: rig.server.selfChat, text: 'linked' });
    await rig.listener.message('linked');
  });

  it('shows a code without a QR, and until when it is valid', async () => {
    rig.make({ pairWith: number, clock: { now: () => START } });
    await rig.channel.start();
    await code();
    const shown = rig.listener.lines.filter((line) => line.status === 'unpaired');
    expect(shown).toEqual([
      {
        status: 'unpaired',
        pairingCode: expect.stringMatching(/^[A-Z0-9]{8}$/),
        validUntil: START + 160_000,
      },
    ]);
  });

  it('a pairing that nobody finishes leaves no account behind and reports none', async () => {
    rig.make({ pairWith: number });
    await rig.channel.start();
    await code();
    expect(rig.listener.chats).toEqual([]);
    await rig.channel.stop();
    expect(inspectCredentials(rig.databaseFile)).toEqual({ status: 'unpaired' });
    rig.make();
    await rig.pair();
  });

  it('offers a new valid code when the connection drops, and never logs in with half an account', async () => {
    rig.make({ pairWith: number });
    await rig.channel.start();
    const first = await code();
    const since = rig.listener.lines.length;
    rig.server.faults.dropConnections();
    const second = await code(since);
    expect(second).not.toBe(first);
    await rig.server.enterCode(second);
    await rig.listener.line('open');
    expect(rig.listener.lines.some((line) => line.status === 'stopped')).toBe(false);
  });

  it('offers new codes while a person watches, and otherwise ends and names the next step', async () => {
    rig.make({ pairWith: number, qrTimeoutMs: QR_MS, keepOfferingQr: true });
    await rig.channel.start();
    const first = await code();
    await rig.listener.until(
      () => rig.listener.lines.find((line) => line.status === 'unpaired' && line.pairingCode !== first),
      'a second code',
    );
    await rig.channel.stop();
    rig.make({ pairWith: number, qrTimeoutMs: QR_MS });
    await rig.channel.start();
    expect(await rig.listener.line('stopped')).toMatchObject({
      reason: expect.stringContaining('./nanoclaw pair'),
    });
  });
});

describe('QR codes', () => {
  it('say until when each is valid: a minute the first, twenty seconds the others', async () => {
    rig.make({ clock: { now: () => START } });
    await rig.channel.start();
    await rig.listener.qr();
    expect(rig.channel.state).toMatchObject({ status: 'unpaired', validUntil: START + 60_000 });
  });
});
