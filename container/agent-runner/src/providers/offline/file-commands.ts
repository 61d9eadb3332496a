import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePrompt } from '../../../../../src/protocol/prompt.ts';
import { prepareFile } from '../../tools/server/outgoing-file.ts';
import type { Command } from './command.ts';
import { wordReply } from './host-reply.ts';

const sendFile: Command = {
  pattern: /^send (?:me )?a file[.!]*$/i,
  help: 'send me a file',
  answer: async (_, { turn, mailbox, assistantName }) => {
    const { input, layout } = turn;
    const fileName = 'hello.txt';
    await writeFile(join(layout.group, fileName), `Hello from ${assistantName}, the offline agent.\n`);
    const file = await prepareFile(layout, fileName, randomUUID());
    const caption = 'A small text file';
    const reply = await mailbox.send({
      type: 'file',
      chatJid: input.chatJid,
      file: file.leaf,
      fileName,
      caption,
    });
    return wordReply(reply, () => 'There it is.');
  },
};

const react: Command = {
  pattern: /^react(?: with (\S{1,16}))?[.!]*$/i,
  help: 'react with EMOJI',
  answer: async ([, emoji = '👍'], { turn, mailbox }) => {
    const { input } = turn;
    const messageId = parsePrompt(input.prompt).messages.at(-1)?.id;
    if (messageId === undefined) return 'There is no message to react to.';
    const reply = await mailbox.send({ type: 'reaction', chatJid: input.chatJid, emoji, messageId });
    return wordReply(reply, () => 'Look at your message.');
  },
};

/** What the assistant does besides writing. */
export const FILE_COMMANDS: readonly Command[] = [sendFile, react];
