import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { CONTAINER_HOME, layoutAt, WORKSPACE_ROOT } from '../../../src/protocol/layout.ts';
import { MailboxClient } from './tools/mailbox-client.ts';
import { createServer } from './tools/server/create-server.ts';

/** The assistant's tools as an MCP server on stdio; started by the agent's program with what tool-server.ts says. */
async function main(): Promise<void> {
  const { env } = process;
  const layout = layoutAt(env.NANOCLAW_WORKSPACE ?? WORKSPACE_ROOT, env.HOME ?? CONTAINER_HOME);
  const server = createServer({
    layout,
    mailbox: new MailboxClient(layout),
    chatJid: env.NANOCLAW_CHAT_JID ?? '',
    groupFolder: env.NANOCLAW_GROUP_FOLDER ?? '',
    isMain: env.NANOCLAW_IS_MAIN === '1',
    assistantName: env.NANOCLAW_ASSISTANT_NAME ?? 'Andy',
    timezone: env.TZ ?? 'UTC',
    newId: randomUUID,
  });
  // The agent's program is gone: nobody waits for an answer any more.
  process.stdin.once('end', () => process.exit(0));
  await server.connect(new StdioServerTransport());
}

await main();
