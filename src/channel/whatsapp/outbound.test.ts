import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../../simulator/simulator.ts';
import type { Outgoing } from '../channel.ts';
import { Identity } from './identity.ts';
import { Outbound, recalled, type Sender } from './outbound.ts';
import { Rig } from './testing/rig.ts';

const HELLO: Outgoing = { kind: 'text', text: 'hello' };

describe('a send over the wire', () => {
  let rig: Rig<Simulator>;

  beforeEach(async () => {
    rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }), { sendTimeoutMs: 2_000 });
    await rig.pair();
  });

  afterEach(async () => {
    await rig.close();
  });

  const send = (chat: string, message = HELLO, id = rig.channel.newWireId()) =>
    rig.channel.send(chat, message, id);

  /** The line is cut when the server has read the message and before it answers. */
  const cutAtNextMessage = () => {
    const off = rig.server.on('stanza', ({ direction, node }) => {
      if (direction !== 'in' || node.tag !== 'message') return;
      off();
      rig.server.faults.dropConnections();
    });
  };

  it('is acked only when the server has it, under the id that it was given', async () => {
    const id = rig.channel.newWireId();
    expect(await send(rig.server.selfChat, HELLO, id)).toEqual({ kind: 'acked' });
    expect(await rig.server.waitFor((line) => line.id === id)).toMatchObject({
      text: 'hello',
      byDevice: true,
    });
  });

  it('waits for an ack that comes late', async () => {
    rig.server.faults.withholdAcks();
    const outcome = send(rig.server.selfChat);
    await rig.server.waitFor(({ text }) => text === 'hello');
    rig.server.faults.releaseAcks();
    expect(await outcome).toEqual({ kind: 'acked' });
  });

  it('is unconfirmed when no ack comes in time, although the bytes have left', async () => {
    rig.server.faults.withholdAcks();
    const outcome = await send(rig.server.selfChat);
    expect(outcome).toMatchObject({ kind: 'unconfirmed' });
    expect(rig.server.chat(rig.server.selfChat).map(({ text }) => text)).toContain('hello');
  });

  it('is unconfirmed at once when the line is cut after it left', async () => {
    cutAtNextMessage();
    const outcome = await send(rig.server.selfChat);
    expect(outcome).toMatchObject({ kind: 'unconfirmed', reason: expect.stringContaining('closed') });
  });

  it.each([463, 479, 400])('is refused when the server answers with error %i', async (code) => {
    rig.server.faults.rejectSends(code);
    const peter = rig.server.addPerson({ name: 'Peter' });
    expect(await send(peter.jid)).toMatchObject({
      kind: 'refused',
      code,
      reason: expect.stringContaining(`${code}`),
    });
    expect(rig.server.chat(peter.jid)).toHaveLength(0);
  });

  it('is not sent while the line is away, and says so at once', async () => {
    rig.server.faults.goOffline();
    await rig.listener.until(
      () => (rig.channel.state.status === 'connecting' ? true : undefined),
      'the line to be away',
    );
    expect(await send(rig.server.selfChat)).toEqual({ kind: 'not_sent', reason: 'the line is not open' });
    await rig.channel.stop();
    expect(await send(rig.server.selfChat)).toMatchObject({ kind: 'not_sent' });
  });

  it('never rejects, whatever happens to the line around it', async () => {
    for (let n = 0; n < 5; n += 1) {
      const since = rig.listener.lines.length;
      const outcomes = Promise.all([send(rig.server.selfChat), send(rig.server.selfChat)]);
      setImmediate(() => rig.server.faults.dropConnections());
      for (const { kind } of await outcomes) expect(['acked', 'not_sent', 'unconfirmed']).toContain(kind);
      await rig.listener.line('open', since);
    }
  });

  it('may be repeated under its id after it was unconfirmed', async () => {
    const id = rig.channel.newWireId();
    const since = rig.listener.lines.length;
    cutAtNextMessage();
    expect((await send(rig.server.selfChat, HELLO, id)).kind).toBe('unconfirmed');
    await rig.listener.line('open', since);
    expect(await send(rig.server.selfChat, HELLO, id)).toEqual({ kind: 'acked' });
    expect(rig.server.chat(rig.server.selfChat).filter((line) => line.id === id)).toHaveLength(1);
  });

  it('quotes the message that it answers', async () => {
    const peter = rig.server.addPerson({ name: 'Peter' });
    const family = rig.server.createGroup({ subject: 'Family', members: [peter] });
    const said = await rig.server.say({ chat: family.jid, as: peter, text: 'question' });
    const question = await rig.listener.message('question');
    const quoted = { id: question.id, senderJid: question.senderJid, text: question.text };
    expect(await send(family.jid, { kind: 'text', text: 'answer', quoted })).toEqual({ kind: 'acked' });
    expect(await rig.server.waitFor(({ text }) => text === 'answer')).toMatchObject({ quotedId: said.id });
  });

  it('shows typing and ends it', async () => {
    await rig.server.say({ chat: rig.server.selfChat, text: 'so that the name is known' });
    await rig.listener.until(() => rig.listener.chats.find(({ name }) => name === 'Maria'), 'the name');
    const seen: boolean[] = [];
    const typed = new Promise<void>((resolve) => {
      rig.server.on('typing', ({ on }) => {
        seen.push(on);
        if (seen.length === 2) resolve();
      });
    });
    await rig.channel.setTyping(rig.server.selfChat, true);
    await rig.channel.setTyping(rig.server.selfChat, false);
    await typed;
    expect(seen).toEqual([true, false]);
    expect(rig.server.problems).toEqual([]);
  });

  it('ignores typing while the line is away', async () => {
    await rig.channel.stop();
    await expect(rig.channel.setTyping(rig.server.selfChat, true)).resolves.toBeUndefined();
  });
});

describe('a send whose socket misbehaves', () => {
  const identity = new Identity({ numberOf: () => undefined, learnNumber: () => undefined }, () => undefined);
  const forever = new Promise<never>(() => undefined);
  const outcome = (sender: Partial<Sender>, act: (outbound: Outbound) => void = () => undefined) => {
    const outbound = new Outbound(identity, 1_000, pino({ level: 'silent' }));
    const socket: Sender = {
      waitForMessage: () => forever,
      sendMessage: () => {
        act(outbound);
        return forever;
      },
      ...sender,
    };
    return outbound.send(socket, forever, '1@s.whatsapp.net', HELLO, 'id');
  };

  it('is not sent when it fails before anything was encrypted', async () => {
    const sendMessage = () => Promise.reject(new Error('no devices'));
    expect(await outcome({ sendMessage })).toEqual({ kind: 'not_sent', reason: 'no devices' });
  });

  it('is not sent when a bare close code comes in place of an error', async () => {
    const sendMessage = () => Promise.reject(1006);
    expect(await outcome({ sendMessage })).toEqual({ kind: 'not_sent', reason: 'the line closed (1006)' });
  });

  it('is not sent when the connection was closed before the write, though it was encrypted', async () => {
    const error = Object.assign(new Error('Connection Closed'), { output: { statusCode: 428 } });
    const outbound = new Outbound(identity, 1_000, pino({ level: 'silent' }));
    const sendMessage = async () => {
      outbound.onEncrypt();
      throw error;
    };
    const socket: Sender = { waitForMessage: () => forever, sendMessage };
    const result = await outbound.send(socket, forever, '1@s.whatsapp.net', HELLO, 'id');
    expect(result).toMatchObject({ kind: 'not_sent' });
  });

  it('is unconfirmed when it fails after encryption, for it may have left', async () => {
    const outbound = new Outbound(identity, 1_000, pino({ level: 'silent' }));
    const sendMessage = async () => {
      outbound.onEncrypt();
      throw new Error('disk full');
    };
    const socket: Sender = { waitForMessage: () => forever, sendMessage };
    const result = await outbound.send(socket, forever, '1@s.whatsapp.net', HELLO, 'id');
    expect(result).toEqual({ kind: 'unconfirmed', reason: 'disk full' });
  });

  it('is unconfirmed when waiting for the answer rejects with a bare number', async () => {
    const waitForMessage = () => Promise.reject(1006);
    expect(await outcome({ waitForMessage })).toMatchObject({
      kind: 'unconfirmed',
      reason: 'the line closed (1006)',
    });
  });

  it('is unconfirmed when no answer comes in time', async () => {
    const waitForMessage = () => Promise.resolve(undefined);
    expect(await outcome({ waitForMessage })).toEqual({
      kind: 'unconfirmed',
      reason: 'no answer within 1000 ms',
    });
  });

  it('is not sent when Baileys throws at once', async () => {
    const sendMessage = () => {
      throw new TypeError('creds.me is undefined');
    };
    expect(await outcome({ sendMessage })).toMatchObject({ kind: 'not_sent' });
  });
});

describe('what is recalled for a device that asks again', () => {
  it('is the same text with the same quote', () => {
    const quoted = { id: 'Q', senderJid: '1@s.whatsapp.net', text: 'question' };
    expect(recalled({ kind: 'text', text: 'answer', quoted })?.extendedTextMessage).toMatchObject({
      text: 'answer',
      contextInfo: {
        stanzaId: 'Q',
        participant: '1@s.whatsapp.net',
        quotedMessage: { conversation: 'question' },
      },
    });
  });

  it('is nothing for what was never sent', () => {
    expect(recalled(undefined)).toBeUndefined();
  });
});
