import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { House } from '../support/house.ts';
import { sharedDirectory } from '../support/sandbox.ts';

/** WhatsApp shows no more of a text at once. */
const LONGEST = 4_096;

/** The first page of a recording, as far as anybody looks at it. */
const OPUS = Buffer.concat([
  Buffer.from('OggS'),
  Buffer.alloc(24),
  Buffer.from('OpusHead'),
  Buffer.alloc(200),
]);

describe('an answer', () => {
  it('arrives as several messages, whole and in order, when it is too long for one', async () => {
    const house = await House.start();
    const paragraphs = Array.from(
      { length: 60 },
      (_, n) => `Paragraph ${n}. ${'Some words follow it. '.repeat(8)}End ${n}.`,
    );
    await house.say(`@Andy echo ${paragraphs.join('\n\n')}`);
    await house.answer(/End 59\./);
    const parts = house.simulator
      .chat(house.simulator.selfChat)
      .filter(({ byDevice, text }) => byDevice && text.includes('Paragraph'));
    expect(parts.length).toBeGreaterThan(2);
    for (const { text } of parts) expect(text.length).toBeLessThanOrEqual(LONGEST);
    const told = parts.map(({ text }) => text).join('\n');
    const found = [...told.matchAll(/Paragraph (\d+)\..*?End (\d+)\./gs)].map(([, begin, end]) => [
      begin,
      end,
    ]);
    expect(found).toEqual(paragraphs.map((_, n) => [`${n}`, `${n}`]));
  });

  it('has no name in it where the assistant has a number of its own', async () => {
    const house = await House.start({ ASSISTANT_HAS_OWN_NUMBER: 'true' });
    await house.say('@Andy ping');
    const { text } = await house.answer(/pong/);
    expect(text).toBe('pong');
  });

  it('is preceded by “typing…”, which is repeated and ends with it', async () => {
    const house = await House.start({}, { timings: { typingRefreshMs: 500 } });
    const seen: string[] = [];
    house.simulator.on('stanza', ({ direction, node }) => {
      const [state] = node.tag === 'chatstate' && Array.isArray(node.content) ? node.content : [];
      if (direction === 'in' && state !== undefined) seen.push(state.tag);
    });
    await house.say('@Andy sleep 2');
    await house.answer(/slept/);
    // A message ends it on the phone too, and may be there before the word of it.
    await vi.waitFor(() => expect(seen.at(-1)).toBe('paused'));
    expect(house.simulator.typing()).toEqual([]);
    expect(seen.filter((state) => state === 'composing').length).toBeGreaterThan(1);
  });
});

describe('a message that WhatsApp refuses because of a restriction (463)', () => {
  it('is sent once', async () => {
    const house = await House.start();
    const { simulator } = house;
    const { jid } = simulator.createGroup({
      subject: 'Family',
      members: [simulator.addPerson({ name: 'Ben' })],
    });
    await house.say('@Andy activate Family');
    await house.answer(/“Family” is active/);
    await house.idle();
    simulator.faults.rejectSends(463, 1);
    await house.say('@Andy echo not today', jid);
    const rows = (): readonly unknown[] =>
      house.query(`SELECT status, sends FROM outbox WHERE chat_jid = '${jid}'`);
    await vi.waitFor(() => expect(rows()).toEqual([{ status: 'failed', sends: 1 }]));
    const [row] = house.query<{ id: string }>(`SELECT wire_id AS id FROM outbox WHERE chat_jid = '${jid}'`);
    expect(simulator.sends(row?.id ?? '')).toBe(1);
    // Other chats go on.
    await house.say('@Andy ping');
    await house.answer(/pong/);
    expect(simulator.sends(row?.id ?? '')).toBe(1);
  });
});

describe('a voice recording', () => {
  it('is a voice note on the phone when an agent sends it', async () => {
    const house = await House.start();
    const ipc = join(house.root, 'data', 'ipc', 'main');
    await vi.waitFor(() => expect(existsSync(join(ipc, 'messages'))).toBe(true));
    mkdirSync(join(ipc, 'files'), { recursive: true });
    writeFileSync(join(ipc, 'files', 'hello.ogg'), OPUS);
    const request = { type: 'file', chatJid: house.simulator.selfChat, file: 'hello.ogg' };
    writeFileSync(join(ipc, 'messages', 'x.json'), JSON.stringify(request));
    const line = await house.simulator.waitFor(({ media }) => media?.kind === 'voice', {
      timeoutMs: inject('waitMs'),
    });
    expect(line.media?.data).toEqual(OPUS);
  });

  it('is transcribed by a program when a person sends it, and triggers when it begins with the name', async () => {
    const program = join(sharedDirectory(), 'transcribe');
    writeFileSync(program, '#!/bin/sh\ntest -s "$2" && echo "Andy, ping"\n');
    chmodSync(program, 0o755);
    const house = await House.start({ TRANSCRIBE_COMMAND: `${program} --text` });
    await house.simulator.say({
      chat: house.simulator.selfChat,
      media: { kind: 'voice', data: Buffer.from('OggS, as far as this test goes'), seconds: 2 },
    });
    await house.answer(/pong/);
    expect(house.query('SELECT status, transcript FROM attachments')).toEqual([
      { status: 'saved', transcript: 'Andy, ping' },
    ]);
  });

  it('is transcribed by a service with OpenAI’s protocol when a person sends it and one is configured', async () => {
    const asked: string[] = [];
    const service = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      request.resume().on('end', () => response.end(JSON.stringify({ text: 'Andy, ping' })));
    });
    service.listen(0, '127.0.0.1');
    await once(service, 'listening');
    onTestFinished(() => void service.close());
    const { port } = service.address() as AddressInfo;
    const house = await House.start({
      TRANSCRIBE_URL: `http://127.0.0.1:${port}/v1`,
      TRANSCRIBE_API_KEY: 'sk-heard',
    });
    const media = { kind: 'voice', data: OPUS, seconds: 2 } as const;
    await house.simulator.say({ chat: house.simulator.selfChat, media });
    await house.answer(/pong/);
    expect(asked).toEqual(['POST /v1/audio/transcriptions Bearer sk-heard']);
    expect(house.log().join('\n')).not.toContain('sk-heard');
  });
});

describe('a message in a wrapper', () => {
  it('has the text of its content, seen once or disappearing', async () => {
    const house = await House.start();
    for (const wrap of ['viewOnce', 'ephemeral'] as const) {
      await house.simulator.say({ chat: house.simulator.selfChat, text: `@Andy echo ${wrap}`, wrap });
      await house.answer(new RegExp(wrap));
    }
  });
});
