import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { TOOL_SERVER_NAME } from '../tool-server.ts';
import { chatTools } from './chat-tools.ts';
import { fileTools } from './file-tools.ts';
import { groupTools } from './group-tools.ts';
import { taskControlTools } from './task-control-tools.ts';
import { taskTools } from './task-tools.ts';
import type { ToolContext } from './tool-context.ts';

const VERSION = '1.0.0';

/** The assistant's tools for one turn. */
export function createServer(context: ToolContext): McpServer {
  const server = new McpServer({ name: TOOL_SERVER_NAME, version: VERSION });
  const families = [
    chatTools,
    fileTools,
    taskTools,
    taskControlTools,
    ...(context.isMain ? [groupTools] : []),
  ];
  for (const addTools of families) addTools(server, context);
  return server;
}
