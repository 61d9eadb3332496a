import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Simulator } from '../../simulator/simulator.ts';
import { newWireId } from '../../src/channel/whatsapp/wire-id.ts';
import { LineProcess } from '../support/line-process.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** More points than there are from the order to send until the message is on the network. */
const PAST_THE_WRITE = 64;
/** So many after it, among which Baileys' own commit of the keys lies. */
const COMMIT = [1, 2, 4];
const WITHIN = { timeout: 60_000, interval: 20 };

describe('a process that is killed during a send', () => {
  it.each(['group', 'direct chat'])(
    'leaves keys with which the next message to the same %s is read by every phone',
    async (kind) => {
      const root = temporaryDirectory();
      const server = await Simulator.start({ owner: { name: 'Ann' } });
      onTestFinished(() => server.close());
      const members = [server.addPerson({ name: 'Bea' }), server.addPerson({ name: 'Cem' })];
      const group = server.createGroup({ subject: 'Family', members });
      const chat = kind === 'group' ? group.jid : (members[0]?.jid ?? '');
      const sent: { id: string; text: string }[] = [];
      const compose = (text: string): { chat: string; id: string; text: string } => {
        const message = { chat, id: newWireId(randomBytes), text };
        sent.push(message);
        return message;
      };
      /** A process that sends a whole message, which every phone reads: then the sender's key is known to all. */
      const begin = async (before: string): Promise<LineProcess> => {
        const line = new LineProcess(root, server);
        await line.open();
        const whole = compose(`after ${before}`);
        expect(await line.send(whole)).toEqual({ kind: 'acked' });
        await server.waitFor(({ id }) => id === whole.id);
        expect(server.problems, before).toEqual([]);
        // What the client answers to receipts is written too: it would count among the points of what is sent next.
        await vi.waitFor(() => expect(server.devices()).toMatchObject([{ waiting: 0 }]), WITHIN);
        return line;
      };
      let line = await LineProcess.pair(root, server).then(() => begin('the pairing'));
      /** @returns whether the message had left when the process was killed */
      const leavesBefore = async (cut: number): Promise<boolean> => {
        const message = compose(`killed at point ${cut}`);
        await line.send(message, cut);
        await line.kill();
        line = await begin(message.text);
        return server.sends(message.id) > 0;
      };

      expect(await line.send(compose('killed after the ack'))).toEqual({ kind: 'acked' });
      await line.kill();
      line = await begin('a kill after the ack');
      // Ends with the points right before and right after the write to the network.
      let [before, after] = [0, PAST_THE_WRITE];
      while (after - before > 1) {
        const cut = Math.floor((before + after) / 2);
        if (await leavesBefore(cut)) after = cut;
        else before = cut;
      }
      expect(before).toBeGreaterThan(0);
      for (const more of COMMIT) expect(await leavesBefore(after + more)).toBe(true);

      const left = sent.filter(({ id }) => server.sends(id) > 0);
      expect(server.chat(chat).map(({ text }) => text)).toEqual(left.map(({ text }) => text));
    },
    600_000,
  );
});
