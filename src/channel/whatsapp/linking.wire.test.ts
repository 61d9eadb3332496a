import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { inspectCredentials } from './credentials.ts';
import { Rig } from './testing/rig.ts';

let rig: Rig<Simulator>;
let number: string;

beforeEach(async () => {
  rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
  number = rig.server.owner.jid.split('@')[0] ?? '';
});

afterEach(async () => {
  await rig.close();
});

/** The QR codes shown so far. */
const qrs = () => rig.listener.lines.flatMap((line) => (line.status === 'unpaired' ? (line.qr ?? []) : []));

/** The parts of a QR code: reference, noise key, identity key, secret, platform. */
const parts = (qr: string) => qr.split(',');

async function qrNumber(count: number): Promise<string> {
  return rig.listener.until(() => qrs()[count - 1], `QR code ${count}`);
}

async function pairingCode(): Promise<string> {
  return rig.listener.until(() => {
    const { state } = rig.channel;
    return state.status === 'unpaired' ? state.pairingCode : undefined;
  }, 'a pairing code');
}

describe('a QR code whose secret WhatsApp retires', () => {
  it.each(['companion_reg_refresh', 'pair-device-rotate-qr'])(
    'is shown again with the same reference and a new secret after %s, and that one links the account',
    async (refreshChild) => {
      rig.server.changeRules({ secretRefresh: 'shown', refreshChild });
      await rig.channel.start();
      const second = parts(await qrNumber(2));
      const first = parts(qrs()[0] ?? '');
      expect(second[0]).toBe(first[0]);
      expect(second[3]).not.toBe(first[3]);
      expect(Buffer.from(second[3] ?? '', 'base64')).toHaveLength(32);
      await rig.server.scanQr(second.join(','));
      await rig.listener.line('open');
      expect(rig.server.problems).toEqual([]);
    },
  );

  it('keeps the time until which it is valid', async () => {
    rig.server.changeRules({ secretRefresh: 'shown' });
    await rig.channel.start();
    await qrNumber(2);
    const shown = rig.listener.lines.filter((line) => line.status === 'unpaired');
    expect(shown[1]?.validUntil).toBe(shown[0]?.validUntil);
  });

  it('links the account at the second scan when the first one retired the secret', async () => {
    rig.server.changeRules({ secretRefresh: 'scanned' });
    await rig.channel.start();
    const first = await qrNumber(1);
    await expect(rig.server.scanQr(first)).rejects.toThrow(/retired/);
    const second = await qrNumber(2);
    await expect(rig.server.scanQr(first)).rejects.toThrow(/retired/);
    await rig.server.scanQr(second);
    await rig.listener.line('open');
  });

  it('is followed by QR codes that keep the new secret', async () => {
    rig.server.changeRules({ secretRefresh: 'shown' });
    rig.make({ qrTimeoutMs: 2_000 });
    await rig.channel.start();
    const second = parts(await qrNumber(2));
    const third = parts(await qrNumber(3));
    expect(third[0]).not.toBe(second[0]);
    expect(third[3]).toBe(second[3]);
    await rig.server.scanQr(third.join(','));
    await rig.listener.line('open');
  });

  it('leaves no error of the client in the log', async () => {
    await rig.pair();
    expect(rig.log).not.toMatch(/failed to ack|listener of the WhatsApp client failed/);
  });
});

describe('a pairing code', () => {
  it('is not shown when WhatsApp refuses the request, and the reason names the code and what to do', async () => {
    rig.server.changeRules({ displayNames: 'none' });
    rig.make({ pairWith: number });
    await rig.channel.start();
    expect(await rig.listener.line('stopped')).toMatchObject({
      reason: expect.stringMatching(/refused the pairing code \(400\)\. Check the phone number/),
    });
    expect(rig.listener.lines.some((line) => line.status === 'unpaired')).toBe(false);
    expect(inspectCredentials(rig.databaseFile)).toEqual({ status: 'unpaired' });
  });

  it('links the account although WhatsApp retires the secret while it is shown', async () => {
    rig.server.changeRules({ secretRefresh: 'shown' });
    rig.make({ pairWith: number });
    await rig.channel.start();
    await rig.server.enterCode(await pairingCode());
    await rig.listener.line('open');
  });

  it('is followed by a new one, which links, when another was typed', async () => {
    rig.make({ pairWith: number });
    await rig.channel.start();
    const code = await pairingCode();
    const wrong = code.startsWith('A') ? `B${code.slice(1)}` : `A${code.slice(1)}`;
    await expect(rig.server.enterCode(wrong)).rejects.toThrow(/shows another one/);
    const second = await rig.listener.until(() => {
      const { state } = rig.channel;
      return state.status === 'unpaired' && state.pairingCode !== code ? state.pairingCode : undefined;
    }, 'a second code');
    await rig.server.enterCode(second);
    await rig.listener.line('open');
    expect(rig.log).toMatch(/"code":"403".*perhaps it was mistyped/);
  });
});

describe('an account that must confirm a link with a passkey', () => {
  it.each(['QR code', 'pairing code'])(
    'is not linked by a %s, and the reason says what its owner can do',
    async (by) => {
      rig.server.changeRules({ passkey: true });
      rig.make(by === 'QR code' ? {} : { pairWith: number });
      await rig.channel.start();
      const linking =
        by === 'QR code'
          ? rig.server.scanQr(await rig.listener.qr())
          : rig.server.enterCode(await pairingCode());
      await expect(linking).rejects.toThrow(/passkey/);
      expect(await rig.listener.line('stopped')).toMatchObject({
        reason: expect.stringMatching(/passkey.*try again after some days/s),
      });
      expect(rig.server.problems).toEqual([]);
    },
  );
});
