import { afterEach, describe, expect, it } from 'vitest';
import { type Rig, startRig } from './client/rig.ts';
import { BadCode } from './server/pairing-code.ts';
import type { ServiceRules } from './server/rules.ts';

let rig: Rig | undefined;

async function rigWith(rules: Partial<ServiceRules>): Promise<Rig> {
  rig = await startRig({ rules });
  return rig;
}

afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

describe('Baileys by itself, against the service as it is', () => {
  it.each(['offered', 'shown', 'scanned'] as const)(
    'cannot be linked where the secret is retired once it is %s',
    async (secretRefresh) => {
      const { simulator, client } = await rigWith({ secretRefresh });
      await expect(simulator.scanQr(await client.showQr())).rejects.toThrow(/secret/);
      expect(simulator.devices()).toEqual([]);
    },
  );

  it('shows a pairing code although its display name was refused', async () => {
    const { simulator, client } = await rigWith({});
    client.connect({ browser: ['NanoClaw', 'Chrome', '22.0'] });
    await client.until('a QR code', (seen) => (seen.kind === 'connection' ? seen.update.qr : undefined));
    const code = await client.socket.requestPairingCode(simulator.owner.jid.split('@')[0] ?? '');
    await expect(simulator.enterCode(code)).rejects.toThrow(BadCode);
  });

  it('is refused with 405 when its version is too old', async () => {
    const { client } = await rigWith({ oldestRevision: 1_999_999_999 });
    client.connect();
    expect(await client.closed(0)).toBe(405);
  });

  it('gets no answer when the phone cannot link its old version', async () => {
    const { simulator, client } = await rigWith({ oldestRevision: 1_999_999_999, oldVersions: 'not linked' });
    await expect(simulator.scanQr(await client.showQr())).rejects.toThrow(/too old/);
    expect(client.seen.some((seen) => seen.kind === 'connection' && seen.update.connection === 'close')).toBe(
      false,
    );
  });

  it('does not understand that the account needs a passkey', async () => {
    const { simulator, client } = await rigWith({ passkey: true });
    await expect(simulator.scanQr(await client.showQr())).rejects.toThrow(/passkey/);
    expect(client.seen.some((seen) => seen.kind === 'connection' && seen.update.isNewLogin)).toBe(false);
  });
});
