import { randomBytes } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { proto } from '@whiskeysockets/baileys';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { trustMedia } from '../../../simulator/client/trust-media.ts';
import { type Person, Simulator } from '../../../simulator/simulator.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { HOUR, systemClock } from '../../clock.ts';
import type { Outgoing, OutgoingFile } from '../channel.ts';
import { Addresses } from './addresses.ts';
import { CredentialsStore } from './credentials-store.ts';
import { DisappearingTimers } from './disappearing.ts';
import { Identity } from './identity.ts';
import { Outbound, type Sender } from './outbound.ts';
import { Rig } from './testing/rig.ts';
import { Uploads } from './uploads.ts';

const HELLO: Outgoing = { kind: 'text', text: 'hello' };

describe('a send over the wire', () => {
  let rig: Rig<Simulator>;

  beforeEach(async () => {
    rig = new Rig(await Simulator.start({ owner: { name: 'Maria' } }));
    await rig.pair();
  });

  afterEach(async () => {
    await rig.close();
  });

  const send = (chat: string, message: Outgoing = HELLO, id = rig.channel.newWireId()) =>
    rig.channel.send(chat, message, id);

  /** The line is cut when the server has read the message and before it answers. */
  const cutAtNextMessage = () => {
    const off = rig.server.on('stanza', ({ direction, node }) => {
      if (direction !== 'in' || node.tag !== 'message') return;
      off();
      rig.server.faults.dropConnections();
    });
  };

  it('is acknowledged only when the server has it, under the id that it was given', async () => {
    const id = rig.channel.newWireId();
    expect(await send(rig.server.selfChat, HELLO, id)).toEqual({ kind: 'acked' });
    expect(await rig.server.waitFor((line) => line.id === id)).toMatchObject({
      text: 'hello',
      byDevice: true,
    });
  });

  it('is refused for a chat of another channel, and never tried again', async () => {
    const refused = { kind: 'refused', code: undefined, reason: 'it is no WhatsApp chat' };
    expect(await send('tg:123456')).toEqual(refused);
  });

  it('converts Markdown to WhatsApp’s formatting, and a resend has the same text', async () => {
    const message: Outgoing = { kind: 'text', text: '**Done**, see [the page](https://example.org).' };
    const shown = '*Done*, see the page (https://example.org).';
    expect(await send(rig.server.selfChat, message)).toEqual({ kind: 'acked' });
    expect(await rig.server.waitFor(({ byDevice }) => byDevice)).toMatchObject({ text: shown });
  });

  it('waits for an ack that arrives late', async () => {
    rig.server.faults.withholdAcks();
    const outcome = send(rig.server.selfChat);
    await rig.server.waitFor(({ text }) => text === 'hello');
    rig.server.faults.releaseAcks();
    expect(await outcome).toEqual({ kind: 'acked' });
  });

  it('is unconfirmed when no ack arrives in time, although the bytes have left', async () => {
    await rig.restart({ timings: { sendTimeoutMs: 2_000 } });
    await rig.listener.line('open');
    rig.server.faults.withholdAcks();
    const outcome = await send(rig.server.selfChat);
    expect(outcome).toMatchObject({ kind: 'unconfirmed' });
    await rig.server.waitFor(({ text }) => text === 'hello');
  });

  it('is unconfirmed at once when the connection is cut after the bytes have left', async () => {
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
    expect(rig.listener.restrictions.some((reason) => reason !== undefined)).toBe(code === 463);
  });

  it('fails as not sent at once while WhatsApp is disconnected', async () => {
    rig.server.faults.goOffline();
    await rig.listener.until(
      () => (rig.channel.state.status === 'connecting' ? true : undefined),
      'the line to be away',
    );
    expect(await send(rig.server.selfChat)).toEqual({ kind: 'not_sent', reason: 'the line is not open' });
    await rig.channel.stop();
    expect(await send(rig.server.selfChat)).toMatchObject({ kind: 'not_sent' });
  });

  it('never rejects, whatever happens to the connection around it', async () => {
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

  describe.each(['lid', 'pn'] as const)('a send in a group addressed by %s', (addressing) => {
    let peter: Person;
    let family: string;

    beforeEach(() => {
      peter = rig.server.addPerson({ name: 'Peter' });
      family = rig.server.createGroup({ subject: 'Family', members: [peter], addressing }).jid;
    });

    const quote = async (text: string) => {
      const { id, senderJid } = await rig.listener.message(text);
      return { id, senderJid, text };
    };

    it.each(['another', 'the owner'])('quotes the message of %s that it answers', async (whose) => {
      const as = whose === 'another' ? peter : rig.server.owner;
      const said = await rig.server.say({ chat: family, as, text: 'question' });
      const quoted = await quote('question');
      expect(await send(family, { kind: 'text', text: 'answer', quoted })).toEqual({ kind: 'acked' });
      expect(await rig.server.waitFor(({ text }) => text === 'answer')).toMatchObject({ quotedId: said.id });
      expect(rig.server.problems).toEqual([]);
    });

    it('quotes the message that it answers when the answer is a file', async () => {
      onTestFinished(trustMedia());
      const path = join(rig.directory, 'copy');
      writeFileSync(path, 'content');
      const said = await rig.server.say({ chat: family, as: peter, text: 'question' });
      const file = {
        kind: 'file',
        path,
        bytes: 7,
        as: 'document',
        mimeType: 'text/plain',
        fileName: 'a',
      } as const;
      await send(family, { ...file, quoted: await quote('question') });
      expect(await rig.server.waitFor(({ media }) => media !== undefined)).toMatchObject({
        quotedId: said.id,
      });
    });

    it('quotes right after a start, before the group is known', async () => {
      const said = await rig.server.say({ chat: family, as: peter, text: 'question' });
      const { id, senderJid, text } = await quote('question');
      await rig.channel.stop();
      rig.server.faults.hideGroups();
      rig.make();
      await rig.channel.start();
      await rig.listener.line('open');
      await send(family, { kind: 'text', text: 'answer', quoted: { id, senderJid, text } });
      expect(await rig.server.waitFor((line) => line.text === 'answer')).toMatchObject({
        quotedId: said.id,
      });
    });

    it('can be a reaction to a message, and can remove it', async () => {
      const said = await rig.server.say({ chat: family, as: peter, text: 'question' });
      const { senderJid } = await rig.listener.message('question');
      const target = { id: said.id, senderJid, fromMe: false };
      const shown = () => rig.server.chat(family).find(({ id }) => id === said.id)?.reactions ?? [];
      for (const emoji of ['👍', '']) {
        const changed = new Promise((resolve) => rig.server.on('change', resolve));
        expect(await send(family, { kind: 'reaction', emoji, target })).toEqual({ kind: 'acked' });
        await changed;
        expect(shown().map((reaction) => reaction.emoji)).toEqual(emoji === '' ? [] : [emoji]);
      }
    });
  });

  it.each(['image', 'video', 'audio', 'voice', 'document'] as const)(
    'shows a file as %s, whole',
    async (as) => {
      onTestFinished(trustMedia());
      const path = join(rig.directory, 'copy');
      const content = randomBytes(200_000);
      writeFileSync(path, content);
      const message: Outgoing = {
        kind: 'file',
        path,
        bytes: 200_000,
        as,
        mimeType: 'application/x-test',
        fileName: 'a.bin',
      };
      const id = rig.channel.newWireId();
      expect(await send(rig.server.selfChat, message, id)).toEqual({ kind: 'acked' });
      const { media } = await rig.server.waitFor((line) => line.id === id);
      expect(media?.kind).toBe(as);
      expect(Buffer.from(media?.data ?? []).equals(content)).toBe(true);
      expect(rig.server.problems).toEqual([]);
    },
  );

  it('leaves a file for the next try when the upload is refused', async () => {
    onTestFinished(trustMedia());
    const path = join(rig.directory, 'copy');
    writeFileSync(path, 'content');
    rig.server.faults.refuseUploads(1);
    const id = rig.channel.newWireId();
    const message: Outgoing = {
      kind: 'file',
      path,
      bytes: 7,
      as: 'document',
      mimeType: 'text/plain',
      fileName: 'a',
    };
    expect(await send(rig.server.selfChat, message, id)).toMatchObject({ kind: 'not_sent' });
    expect(await send(rig.server.selfChat, message, id)).toEqual({ kind: 'acked' });
  });

  it('never shows the assistant as online, which would silence the phone', async () => {
    const types: (string | undefined)[] = [];
    // Its name, which it is told below, goes out without a type: what follows says that it is away.
    const away = new Promise<void>((resolve) => {
      rig.server.on('stanza', ({ direction, node }) => {
        if (direction !== 'in' || node.tag !== 'presence') return;
        types.push(node.attrs.type);
        if (node.attrs.type === 'unavailable') resolve();
      });
    });
    await rig.server.say({ chat: rig.server.selfChat, text: 'so that the name is known' });
    await rig.listener.until(() => rig.listener.chats.find(({ name }) => name === 'Maria'), 'the name');
    await rig.channel.setTyping(rig.server.selfChat, true);
    await send(rig.server.selfChat);
    await rig.channel.setTyping(rig.server.selfChat, false);
    await away;
    const since = rig.listener.lines.length;
    rig.server.faults.dropConnections();
    await rig.listener.line('open', since);
    await send(rig.server.selfChat);
    expect(types).not.toContain('available');
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

  it('ignores typing while WhatsApp is disconnected', async () => {
    await rig.channel.stop();
    await expect(rig.channel.setTyping(rig.server.selfChat, true)).resolves.toBeUndefined();
  });
});

const CHAT = '1@s.whatsapp.net';
const forever = new Promise<never>(() => undefined);

/** @param lids the LIDs that are known, by number */
function outboundOn(
  file = join(temporaryDirectory(), 'whatsapp.db'),
  lids: Readonly<Record<string, string>> = {},
): Outbound {
  const store = CredentialsStore.open(file);
  onTestFinished(() => store.close());
  const identity = new Identity(
    {
      numberOf: () => undefined,
      lidOf: (number) => lids[number],
      learntNumber: () => undefined,
      learnNumber: () => undefined,
    },
    () => undefined,
  );
  return new Outbound({
    identity,
    addressing: 'lid',
    addresses: new Addresses(store.database, systemClock),
    memberName: async (_, person) => (person === '2@s.whatsapp.net' ? '102@lid' : person),
    uploads: new Uploads(store.database, systemClock),
    timers: new DisappearingTimers(store.database, identity),
    timeoutMs: 1_000,
    log: pino({ level: 'silent' }),
  });
}

/** A socket that does nothing but what a test says. */
function socketThat(does: Partial<Sender>): Sender {
  return {
    waitForMessage: () => forever,
    relayMessage: () => forever,
    waUploadToServer: () => forever,
    user: { id: '49@s.whatsapp.net' },
    ...does,
  };
}

describe('a send whose socket misbehaves', () => {
  const outcome = (sender: Partial<Sender>, outbound = outboundOn()) =>
    outbound.send(socketThat(sender), forever, CHAT, HELLO, 'id');

  it('is not sent when it fails before anything was encrypted', async () => {
    const relayMessage = () => Promise.reject(new Error('no devices'));
    expect(await outcome({ relayMessage })).toEqual({ kind: 'not_sent', reason: 'no devices' });
  });

  it('is not sent when a bare close code comes in place of an error', async () => {
    const relayMessage = () => Promise.reject(1006);
    expect(await outcome({ relayMessage })).toEqual({ kind: 'not_sent', reason: 'the line closed (1006)' });
  });

  it('is not sent when the connection was closed before the write, though the message was encrypted', async () => {
    const error = Object.assign(new Error('Connection Closed'), { output: { statusCode: 428 } });
    const outbound = outboundOn();
    const relayMessage = async () => {
      outbound.onEncrypt();
      throw error;
    };
    const result = await outcome({ relayMessage }, outbound);
    expect(result).toMatchObject({ kind: 'not_sent' });
  });

  it('is unconfirmed when it fails after encryption, for it may have left', async () => {
    const outbound = outboundOn();
    const relayMessage = async () => {
      outbound.onEncrypt();
      throw new Error('disk full');
    };
    const result = await outcome({ relayMessage }, outbound);
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
    const relayMessage = () => {
      throw new TypeError('creds.me is undefined');
    };
    expect(await outcome({ relayMessage })).toMatchObject({ kind: 'not_sent' });
  });
});

describe('a file', () => {
  const uploaded = { mediaUrl: 'https://media.example/1', directPath: '/1' };
  const fileOf = (change: Partial<OutgoingFile> = {}): OutgoingFile => {
    const path = join(temporaryDirectory(), 'copy');
    writeFileSync(path, 'content');
    return {
      kind: 'file',
      path,
      bytes: 7,
      as: 'document',
      mimeType: 'text/plain',
      fileName: 'a.txt',
      ...change,
    };
  };
  const acked = async <T>() => ({ tag: 'ack', attrs: {} }) as T;

  // Baileys encrypts into a file of this directory and removes it after the upload, which never ends in some tests.
  beforeEach(() => void vi.stubEnv('TMPDIR', temporaryDirectory()));
  afterEach(() => void vi.unstubAllEnvs());

  it('is uploaded from the host’s copy before its message is sent', async () => {
    const relayed: proto.IMessage[] = [];
    const socket = socketThat({
      waitForMessage: acked,
      waUploadToServer: async () => uploaded,
      relayMessage: async (_, message) => {
        relayed.push(message);
        return 'id';
      },
    });
    const quoted = { id: 'Q', senderJid: '1@s.whatsapp.net', text: 'send it' };
    const message = fileOf({ caption: 'see **this**', quoted });
    expect(await outboundOn().send(socket, forever, CHAT, message, 'id')).toEqual({ kind: 'acked' });
    expect(relayed[0]?.documentMessage).toMatchObject({
      url: uploaded.mediaUrl,
      mimetype: 'text/plain',
      fileName: 'a.txt',
      caption: 'see *this*',
      contextInfo: { stanzaId: 'Q' },
    });
    expect(Number(relayed[0]?.documentMessage?.fileLength)).toBe(7);
  });

  it.each([
    ['image', 'imageMessage', { mimetype: 'image/png', caption: 'hi' }],
    ['video', 'videoMessage', { caption: 'hi' }],
    ['voice', 'audioMessage', { ptt: true }],
    ['audio', 'audioMessage', {}],
  ] as const)('is sent as its own kind of message without a preview: %s', async (as, field, fields) => {
    const outbound = outboundOn();
    const socket = socketThat({ waitForMessage: acked, waUploadToServer: async () => uploaded });
    const mimeType = as === 'image' ? 'image/png' : 'application/x';
    const file = fileOf({ as, mimeType, caption: 'hi' });
    await outbound.send(socket, forever, CHAT, file, 'id');
    const message = await outbound.recall('id', CHAT, file);
    expect(message?.[field]).toMatchObject({ mediaKey: expect.anything(), ...fields });
    expect(message?.imageMessage?.jpegThumbnail ?? message?.audioMessage?.waveform ?? []).toHaveLength(0);
  });

  it('is uploaded once, and is the same message at each send and resend, also from another process', async () => {
    const database = join(temporaryDirectory(), 'whatsapp.db');
    const relayed: Buffer[] = [];
    let uploads = 0;
    const socket = socketThat({
      waitForMessage: async () => undefined,
      waUploadToServer: async () => {
        uploads += 1;
        return uploaded;
      },
      relayMessage: async (_, message) => {
        relayed.push(Buffer.from(proto.Message.encode(message).finish()));
        return 'id';
      },
    });
    const message = fileOf();
    const first = outboundOn(database);
    expect(await first.send(socket, forever, CHAT, message, 'id')).toMatchObject({ kind: 'unconfirmed' });
    rmSync(message.path);
    const second = outboundOn(database);
    await second.send(socket, forever, CHAT, message, 'id');
    const recalled = proto.Message.encode((await second.recall('id', CHAT, message)) ?? {}).finish();
    expect(uploads).toBe(1);
    expect(relayed).toHaveLength(2);
    expect(relayed[1]).toEqual(relayed[0]);
    expect(Buffer.from(recalled)).toEqual(relayed[0]);
  });

  it('a file that cannot be uploaded is not sent, and no device gets a message about it', async () => {
    const relayMessage = vi.fn();
    const waUploadToServer = () => Promise.reject(new Error('Media upload failed on all hosts'));
    const socket = socketThat({ waUploadToServer, relayMessage });
    expect(await outboundOn().send(socket, forever, CHAT, fileOf(), 'id')).toMatchObject({
      kind: 'not_sent',
      reason: expect.stringContaining('upload'),
    });
    expect(relayMessage).not.toHaveBeenCalled();
  });

  it('is not sent when the connection closes during its upload', async () => {
    const gone = Promise.resolve();
    expect(await outboundOn().send(socketThat({}), gone, CHAT, fileOf(), 'id')).toMatchObject({
      kind: 'not_sent',
    });
  });

  it('a file that has grown since it was taken is sent with its former length', async () => {
    const message = fileOf();
    truncateSync(message.path, 50_000_000);
    const outbound = outboundOn();
    const socket = socketThat({ waitForMessage: acked, waUploadToServer: async () => uploaded });
    expect(await outbound.send(socket, forever, CHAT, message, 'id')).toEqual({ kind: 'acked' });
    const recalled = await outbound.recall('id', CHAT, message);
    expect(Number(recalled?.documentMessage?.fileLength)).toBe(7);
  });

  it.each([0, 3])('a file that was cut to %i bytes since it was taken is never tried again', async (left) => {
    const message = fileOf();
    truncateSync(message.path, left);
    expect(await outboundOn().send(socketThat({}), forever, CHAT, message, 'id')).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('changed'),
    });
  });

  it('is not sent when there is no place for its encrypted copy', async () => {
    const outbound = outboundOn();
    const message = fileOf();
    vi.stubEnv('TMPDIR', '/nowhere/at/all');
    const outcome = await outbound.send(socketThat({}), forever, CHAT, message, 'id');
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringContaining('/nowhere/at/all') });
  });

  it('is not sent when its upload never ends, and may be tried again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const waUploadToServer = () => {
      begin();
      return forever;
    };
    const outcome = outboundOn().send(socketThat({ waUploadToServer }), forever, CHAT, fileOf(), 'id');
    await begun;
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(await outcome).toMatchObject({ kind: 'not_sent', reason: expect.stringContaining('too long') });
  });

  it('is never tried again when it is gone', async () => {
    const message = fileOf({ path: '/nowhere/at/all' });
    expect(await outboundOn().send(socketThat({}), forever, CHAT, message, 'id')).toMatchObject({
      kind: 'refused',
    });
  });
});

describe('a message that a device requests again', () => {
  it('is the message that was sent, with the LID as the author of its quote, and names no other chat', async () => {
    const outbound = outboundOn(undefined, { 1: '101', 2: '102' });
    const relayed: (proto.IMessage | undefined)[] = [];
    const socket = socketThat({
      waitForMessage: async <T>() => ({ attrs: {} }) as T,
      relayMessage: async (_, message) => {
        relayed.push(message);
        return 'id';
      },
    });
    const quoted = { id: 'Q', senderJid: '2@s.whatsapp.net', text: 'question' };
    const message = { kind: 'text', text: '**answer**', quoted } as const;
    expect(await outbound.send(socket, forever, CHAT, message, 'id')).toEqual({ kind: 'acked' });
    const recalled = await outbound.recall('id', CHAT, message);
    for (const { extendedTextMessage } of [relayed[0] ?? {}, recalled ?? {}]) {
      expect(extendedTextMessage).toMatchObject({
        text: '*answer*',
        contextInfo: { stanzaId: 'Q', participant: '102@lid' },
      });
      expect(extendedTextMessage?.contextInfo?.remoteJid ?? '').toBe('');
    }
  });

  it('is the same text with the same quote', async () => {
    const quoted = { id: 'Q', senderJid: '2@s.whatsapp.net', text: 'question' };
    const message = { kind: 'text', text: '**answer**', quoted } as const;
    const contextInfo = { stanzaId: 'Q', quotedMessage: { conversation: 'question' } };
    for (const [chat, participant] of [
      [CHAT, '2@s.whatsapp.net'],
      ['g@g.us', '102@lid'],
    ] as const) {
      expect((await outboundOn().recall('id', chat, message))?.extendedTextMessage).toMatchObject({
        text: '*answer*',
        contextInfo: { ...contextInfo, participant },
      });
    }
  });

  it('is the same reaction to the same message', async () => {
    const target = { id: 'T', senderJid: '2@s.whatsapp.net', fromMe: false };
    expect(await outboundOn().recall('id', 'g@g.us', { kind: 'reaction', emoji: '👍', target })).toEqual({
      reactionMessage: {
        key: { remoteJid: 'g@g.us', id: 'T', fromMe: false, participant: '102@lid' },
        text: '👍',
      },
    });
  });

  it('is missing when it was never sent, or when its file was never uploaded', async () => {
    expect(await outboundOn().recall('id', CHAT, undefined)).toBeUndefined();
    const file = { kind: 'file', path: '/x', bytes: 1, as: 'image', mimeType: '', fileName: 'x' } as const;
    expect(await outboundOn().recall('id', CHAT, file)).toBeUndefined();
  });
});
