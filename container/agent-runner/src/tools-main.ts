import process from 'node:process';

/** The assistant's tools as an MCP server on stdio; started by the agent's program with what tool-server.ts says. */
process.stderr.write('the tool server has no tools\n');
