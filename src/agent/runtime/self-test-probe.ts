import { z } from 'zod';

/** What the self-test's program says of where it is. */
const Found = z.object({
  uid: z.number().int(),
  name: z.string().describe('of the user; empty: it has none'),
  capabilities: z.string().describe('effective, hexadecimal'),
  noNewPrivileges: z.string(),
  writable: z
    .record(z.string(), z.string())
    .describe('place → why it could not be written to; empty: it could'),
  readonly: z.record(z.string(), z.string()),
});
export type Found = z.infer<typeof Found>;

const MARK = 'NANOCLAW_SELF_TEST ';

/** Runs inside, by `node -e`. CommonJS, of what every Node since 18 has. */
export const LOOK_AROUND = `
const fs = require('node:fs');
const write = (directory) => {
  try { fs.writeFileSync(directory + '/self-test', 'x'); return ''; } catch (error) { return error.code; }
};
const all = (places) => Object.fromEntries(Object.entries(places).map(([name, place]) => [name, write(place)]));
const named = () => { try { return require('node:os').userInfo().username; } catch { return ''; } };
const status = fs.readFileSync('/proc/self/status', 'utf8');
const found = {
  uid: process.getuid(),
  name: named(),
  capabilities: /CapEff:\\s*(\\w+)/.exec(status)[1],
  noNewPrivileges: (/NoNewPrivs:\\s*(\\w+)/.exec(status) || [])[1] || '',
  writable: all({
    group: '/workspace/group',
    messages: '/workspace/ipc/messages',
    tasks: '/workspace/ipc/tasks',
    files: '/workspace/ipc/files',
    'Claude’s sessions': '/home/node/.claude',
    'Codex’ sessions': '/home/node/.codex',
    'Kimi’s sessions': '/home/node/.kimi',
    home: '/home/node',
    temporary: '/tmp',
  }),
  readonly: all({
    '/': '/',
    logs: '/workspace/group/logs',
    mailbox: '/workspace/ipc',
    results: '/workspace/ipc/results',
    'shared memory': '/workspace/global',
    environment: '/workspace/env-dir',
    attachments: '/workspace/attachments',
  }),
};
process.stdout.write('${MARK}' + JSON.stringify(found) + '\\n');
`;

/** Finds the program's line in what a sandbox said; undefined: it is not there. */
export function readFound(stdout: string): Found | undefined {
  const line = stdout.split('\n').find((candidate) => candidate.startsWith(MARK));
  if (line === undefined) return undefined;
  const parsed = Found.safeParse(JSON.parse(line.slice(MARK.length)));
  return parsed.success ? parsed.data : undefined;
}
