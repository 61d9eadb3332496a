import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, vi } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import { newWireId } from '../../../src/channel/whatsapp/wire-id.ts';
import { ConnectionProcess } from '../../support/connection-process.ts';
import type { Order } from '../../support/crashing-connection.ts';
import { linkRoot } from '../../support/linked-root.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** Where messages are sent. */
export const CHAT_KINDS = ['group', 'direct chat'] as const;

/** Sends to one chat by processes that are killed, each followed by a process whose message every phone must read. */
export class KilledSends {
  readonly #root = temporaryDirectory();
  readonly #server: Simulator;
  readonly #chat: string;
  readonly #sent: { id: string; text: string }[] = [];
  #connection: ConnectionProcess | undefined;

  private constructor(server: Simulator, chat: string) {
    this.#server = server;
    this.#chat = chat;
  }

  /** Resolves when a process is connected and the sender's key is known to all. */
  static async start(kind: (typeof CHAT_KINDS)[number]): Promise<KilledSends> {
    const server = await Simulator.start({ owner: { name: 'Ann' } });
    onTestFinished(() => server.close());
    const members = [server.addPerson({ name: 'Bea' }), server.addPerson({ name: 'Cem' })];
    const group = server.createGroup({ subject: 'Family', members });
    const sends = new KilledSends(server, kind === 'group' ? group.jid : (members[0]?.jid ?? ''));
    await linkRoot(server, sends.#root);
    await sends.#restart('the start');
    return sends;
  }

  /** Kills the process when the server has acknowledged its message. */
  async killAfterAck(): Promise<void> {
    expect(await this.#connection?.send(this.#compose('killed after the ack'))).toEqual({ kind: 'acked' });
    await this.#restart('a kill after the ack');
  }

  /**
   * Sends a message by a process that ends at a kill point.
   * @returns whether the message had left by then
   */
  async leavesBefore(cut: Omit<Order, 'send'>): Promise<boolean> {
    const message = this.#compose(`killed at point ${cut.points}`);
    await this.#connection?.send(message, cut);
    await this.#restart(message.text);
    return this.#server.sends(message.id) > 0;
  }

  /** Expects each message that has left in the chat, once and in the order of the sends. */
  expectAllRead(): void {
    const left = this.#sent.filter(({ id }) => this.#server.sends(id) > 0);
    expect(this.#server.chat(this.#chat).map(({ text }) => text)).toEqual(left.map(({ text }) => text));
  }

  #compose(text: string): { chat: string; id: string; text: string } {
    const message = { chat: this.#chat, id: newWireId(randomBytes), text };
    this.#sent.push(message);
    return message;
  }

  /** Kills the process, and starts one that sends a whole message, which every phone reads. */
  async #restart(before: string): Promise<void> {
    await this.#connection?.kill();
    this.#connection = new ConnectionProcess(this.#root, this.#server);
    await this.#connection.open();
    const whole = this.#compose(`after ${before}`);
    expect(await this.#connection.send(whole)).toEqual({ kind: 'acked' });
    // What the client answers to receipts is written too: it would count among the points of what is sent next.
    await vi.waitFor(
      () => {
        expect(this.#server.chat(this.#chat), before).toContainEqual(
          expect.objectContaining({ id: whole.id }),
        );
        expect(this.#server.devices()).toMatchObject([{ waiting: 0 }]);
      },
      { interval: 20 },
    );
    expect(this.#server.problems, before).toEqual([]);
  }
}
