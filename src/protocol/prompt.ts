/** The prompt's form (who said what, when, in which time zone), written by the host and read by the offline agent. */

export interface QuotedMessage {
  readonly from: string;
  readonly text: string;
}

export interface PromptMessage {
  readonly sender: string;
  /** Local time, as a person would write it. */
  readonly time: string;
  readonly id: string;
  readonly text: string;
  readonly replyTo?: string | undefined;
  readonly quoted?: QuotedMessage | undefined;
}

export interface ParsedPrompt {
  readonly timezone: string | undefined;
  readonly messages: readonly PromptMessage[];
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const UNESCAPES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}

function unescapeXml(text: string): string {
  return text.replace(/&(amp|lt|gt|quot);/g, (_, name: string) => UNESCAPES[name] ?? '');
}

function formatMessage(message: PromptMessage): string {
  const attributes = [
    `sender="${escapeXml(message.sender)}"`,
    `time="${escapeXml(message.time)}"`,
    `id="${escapeXml(message.id)}"`,
    ...(message.replyTo === undefined ? [] : [`reply_to="${escapeXml(message.replyTo)}"`]),
  ].join(' ');
  const quoted =
    message.quoted === undefined
      ? ''
      : `<quoted_message from="${escapeXml(message.quoted.from)}">${escapeXml(message.quoted.text)}</quoted_message>`;
  return `<message ${attributes}>${quoted}${escapeXml(message.text)}</message>`;
}

/** The prompt of a turn. */
export function formatPrompt(messages: readonly PromptMessage[], timezone: string): string {
  const lines = messages.map(formatMessage).join('\n');
  return `<context timezone="${escapeXml(timezone)}" />\n<messages>\n${lines}\n</messages>`;
}

const CONTEXT = /<context timezone="([^"]*)"/;
const MESSAGE =
  /<message sender="([^"]*)" time="([^"]*)" id="([^"]*)"(?: reply_to="([^"]*)")?>(?:<quoted_message from="([^"]*)">([^<]*)<\/quoted_message>)?([^<]*)<\/message>/g;

/** Reads a prompt back. A text that is no such prompt yields no messages. */
export function parsePrompt(prompt: string): ParsedPrompt {
  const messages = [...prompt.matchAll(MESSAGE)].map((match): PromptMessage => {
    const [, sender = '', time = '', id = '', replyTo, from, quotedText, text = ''] = match;
    return {
      sender: unescapeXml(sender),
      time: unescapeXml(time),
      id: unescapeXml(id),
      text: unescapeXml(text),
      replyTo: replyTo === undefined ? undefined : unescapeXml(replyTo),
      quoted:
        from === undefined ? undefined : { from: unescapeXml(from), text: unescapeXml(quotedText ?? '') },
    };
  });
  const timezone = CONTEXT.exec(prompt)?.[1];
  return { timezone: timezone === undefined ? undefined : unescapeXml(timezone), messages };
}
