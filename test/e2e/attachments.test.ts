import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';
import { sharedDirectory } from '../support/sandbox.ts';

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

describe('a voice note', () => {
  it('triggers the assistant when it begins with its name and a program transcribes it', async () => {
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
});
