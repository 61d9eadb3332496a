import * as z from 'zod';
import { MAX_OUTGOING_FILE_BYTES, MAX_TEXT_LENGTH } from '../../../../../src/protocol/mailbox.ts';
import { answerOf, failed } from './answer.ts';
import { chatParameter } from './chat-tools.ts';
import { prepareFile } from './outgoing-file.ts';
import type { ToolFamily } from './tool-context.ts';

/** Sending a file. */
export const fileTools: ToolFamily = (server, context) => {
  const { layout, mailbox, newId } = context;

  server.registerTool(
    'send_file',
    {
      description: `Send a file to the chat: a picture, a document, a recording, up to ${MAX_OUTGOING_FILE_BYTES / 1024 ** 2} MiB. It is copied at once; you may change or delete it afterwards.`,
      inputSchema: {
        path: z
          .string()
          .min(1)
          .max(4_096)
          .describe('a file that you can read; relative to your working directory'),
        caption: z.string().max(MAX_TEXT_LENGTH).optional().describe('text under it'),
        fileName: z.string().max(255).optional().describe('what people see it called; absent: its own name'),
        ...chatParameter(context),
      },
    },
    async ({ path, caption, fileName, chatJid = context.chatJid }) => {
      try {
        const file = await prepareFile(layout, path, newId());
        const reply = await mailbox.send({
          type: 'file',
          chatJid,
          file: file.leaf,
          fileName: fileName ?? file.name,
          ...(caption === undefined ? {} : { caption }),
        });
        const wanted = reply.kind === 'unconfirmed' || (reply.kind === 'answered' && reply.result.ok);
        if (!wanted) await file.discard();
        return answerOf(reply, () => 'The host has taken the file and delivers it.');
      } catch (error) {
        return failed(`Not sent: ${(error as Error).message}`);
      }
    },
  );
};
