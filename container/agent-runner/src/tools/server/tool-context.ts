import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Layout } from '../../../../../src/protocol/layout.ts';
import type { MailboxClient } from '../mailbox-client.ts';

/** Whose tools these are, and what they need of the world. */
export interface ToolContext {
  readonly layout: Layout;
  readonly mailbox: MailboxClient;
  /** The chat that the turn answers. */
  readonly chatJid: string;
  readonly groupFolder: string;
  /** The main channel has more tools, and may name other chats. */
  readonly isMain: boolean;
  readonly assistantName: string;
  /** The owner's time zone, an IANA name. */
  readonly timezone: string;
  readonly newId: () => string;
}

/** Adds a family of tools to the server. */
export type ToolFamily = (server: McpServer, context: ToolContext) => void;
