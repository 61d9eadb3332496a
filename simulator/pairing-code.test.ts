import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlainClient } from './client/plain-client.ts';
import { type Rig, startRig } from './client/rig.ts';
import { ConnectionLost } from './server/connection.ts';
import { BadCode } from './server/pairing-code.ts';

let rig: Rig;
let number: string;

beforeEach(async () => {
  rig = await startRig({ owner: { name: 'Maria' } });
  number = rig.simulator.owner.jid.split('@')[0] ?? '';
});

afterEach(async () => {
  await rig.close();
});

describe('a pairing code', () => {
  it.each([undefined, 'NANOCLAW'])(
    'links the client that shows it, with the code chosen by the client: %s',
    async (custom) => {
      const code = await rig.client.showCode(number, custom);
      const closed = rig.client.closed();
      await rig.simulator.enterCode(code);
      expect(await closed).toBe(515);
      expect(rig.client.creds.me?.id).toBe(rig.simulator.owner.jid.replace('@', ':1@'));
      expect(rig.client.creds.registered).toBe(true);
      await rig.client.open();
      await rig.simulator.say({ chat: rig.simulator.selfChat, text: 'linked by code' });
      await rig.client.message('linked by code');
      expect(rig.simulator.problems).toEqual([]);
    },
  );

  it('may be typed with small letters and a dash', async () => {
    const code = await rig.client.showCode(number);
    await rig.simulator.enterCode(`${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase());
    expect(rig.simulator.devices()).toHaveLength(1);
  });

  it('is refused when it is wrong, and the right one is accepted after it', async () => {
    const code = await rig.client.showCode(number);
    const wrong = code.startsWith('A') ? `B${code.slice(1)}` : `A${code.slice(1)}`;
    await expect(rig.simulator.enterCode(wrong)).rejects.toThrow(BadCode);
    expect(rig.simulator.devices()).toEqual([]);
    await rig.simulator.enterCode(code);
    expect(rig.simulator.devices()).toHaveLength(1);
  });

  it.each(['', 'ABC', 'ABCDEFGHI'])('is refused when it has not eight characters: "%s"', async (code) => {
    await rig.client.showCode(number);
    await expect(rig.simulator.enterCode(code)).rejects.toThrow(BadCode);
  });

  it('is refused when no client requested one, and when it was requested for another account', async () => {
    await rig.client.showQr();
    await expect(rig.simulator.enterCode('ABCDEFGH')).rejects.toThrow(BadCode);
    const code = await rig.client.socket.requestPairingCode('4917099999999');
    await expect(rig.simulator.enterCode(code)).rejects.toThrow(BadCode);
  });

  it('expires with the connection, and another client can be linked then', async () => {
    const code = await rig.client.showCode(number);
    await rig.client.end();
    await rig.eventually(() => rig.simulator.connections() === 0);
    await expect(rig.simulator.enterCode(code)).rejects.toThrow(BadCode);
    expect(rig.simulator.devices()).toEqual([]);
    const other = new PlainClient(rig.simulator.url);
    await rig.simulator.enterCode(await other.showCode(number));
    await other.open();
    await other.end();
  });

  it('is not accepted when the client disconnects during the check', async () => {
    const code = await rig.client.showCode(number);
    rig.client.socket.ws.on('CB:notification', () => void rig.client.end());
    await expect(rig.simulator.enterCode(code)).rejects.toThrow(ConnectionLost);
    expect(rig.simulator.devices()).toEqual([]);
  });
});
