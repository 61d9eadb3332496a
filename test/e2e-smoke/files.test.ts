import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { House } from '../support/house.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe('a picture with a caption that triggers', () => {
  it('is named to the agent, which finds it with the right bytes', async () => {
    const house = await House.start();
    const { selfChat: chat } = house.simulator;
    await house.simulator.say({
      chat,
      media: { kind: 'image', data: PNG, mimeType: 'image/png', caption: '@Andy what is this?' },
    });
    const checksum = createHash('sha256').update(PNG).digest('hex').slice(0, 12);
    await house.answer(
      new RegExp(`A file \\(image\\) of type image/png, ${PNG.length} bytes, with the checksum ${checksum}`),
    );
    const folder = join(house.root, 'data', 'attachments', 'main');
    const [file = ''] = readdirSync(folder);
    expect(file).toMatch(/^\d{4}-\d{2}-\d{2}-[0-9a-f]{8}-image\.png$/);
    expect(readFileSync(join(folder, file))).toEqual(PNG);
  });
});

describe('an assistant', () => {
  it('sends a file, which the phone can open, and then its answer', async () => {
    const house = await House.start();
    await house.say('@Andy send me a file');
    await house.answer(/There it is/);
    const file = house.simulator.chat(house.simulator.selfChat).find(({ media }) => media !== undefined);
    expect(file?.media).toMatchObject({
      kind: 'document',
      fileName: 'hello.txt',
      caption: 'Andy: A small text file',
    });
    expect(String(Buffer.from(file?.media?.data ?? []))).toMatch(/^Hello from Andy/);
    // A phone has a message before its sender has read the server's ack.
    await vi.waitFor(
      () => expect(house.query('SELECT DISTINCT status FROM outbox')).toEqual([{ status: 'sent' }]),
      { timeout: 60_000, interval: 50 },
    );
  });
});
