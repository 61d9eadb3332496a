import * as z from 'zod';
import { MAX_TEXT_LENGTH } from '../../../../../src/protocol/mailbox.ts';
import { answerOf } from './answer.ts';
import type { ToolContext, ToolFamily } from './tool-context.ts';

/** The parameter that names another chat. Only the main channel has one to name; others are not even shown it. */
export function chatParameter({ isMain }: ToolContext): { chatJid?: z.ZodOptional<z.ZodString> } {
  if (!isMain) return {};
  return {
    chatJid: z.string().optional().describe('another chat, as list_groups names it; absent: this chat'),
  };
}

/** Saying something, and reacting to something that was said. */
export const chatTools: ToolFamily = (server, context) => {
  const { mailbox } = context;

  server.registerTool(
    'send_message',
    {
      description:
        'Send a message to the chat now, while you are still working: a first word before something long, progress, several messages. Your final answer is sent by itself: do not send it here too.',
      inputSchema: {
        text: z.string().min(1).max(MAX_TEXT_LENGTH).describe('the message, plain WhatsApp text'),
        sender: z
          .string()
          .max(128)
          .optional()
          .describe('a role to speak as, for example "Researcher"; shown before the text'),
        quotedMessageId: z
          .string()
          .min(1)
          .max(256)
          .optional()
          .describe('the id attribute of the <message> to quote'),
        ...chatParameter(context),
      },
    },
    async ({ text, sender, quotedMessageId, chatJid = context.chatJid }) => {
      const more = {
        ...(sender !== undefined && { sender }),
        ...(quotedMessageId !== undefined && { quotedMessageId }),
      };
      const reply = await mailbox.send({ type: 'message', chatJid, text, ...more });
      return answerOf(reply, ({ note = '' }) =>
        `The host has taken the message and delivers it. ${note}`.trim(),
      );
    },
  );

  server.registerTool(
    'react',
    {
      description: 'React to a message with an emoji.',
      inputSchema: {
        messageId: z.string().min(1).max(256).describe('the id attribute of the <message>'),
        emoji: z.string().max(64).describe('one emoji; empty takes your reaction back'),
        ...chatParameter(context),
      },
    },
    async ({ messageId, emoji, chatJid = context.chatJid }) => {
      const reply = await mailbox.send({ type: 'reaction', chatJid, emoji, messageId });
      return answerOf(reply, () => 'The host has taken the reaction and delivers it.');
    },
  );
};
