import { mkdtemp, rm } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { RunCredentials } from '../../agent/agent.ts';
import type { Provider } from '../../protocol/provider.ts';
import { KeyProxy, type KeyProxyOptions } from '../key-proxy.ts';
import type { UsageReport } from '../request-handler.ts';
import { SOCKET_NAME } from '../socket-directory.ts';

/** A key that must appear nowhere but at the service. */
export const CANARY = 'sk-canary-4c1d9b7e52';

export interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** The run at whose door it asks; absent: the last one that was issued. */
  readonly at?: RunCredentials;
}

/** A proxy on a socket of its own, as a sandbox finds it. */
export interface TestProxy {
  readonly proxy: KeyProxy;
  /** Where the doors of runs are. */
  readonly directory: string;
  /** Everything that was logged, at every level. */
  readonly logged: () => string;
  readonly usage: readonly UsageReport[];
  issue(provider: Provider, runId?: string): Promise<RunCredentials & { readonly token: string }>;
  /** Begins a request; its body is the caller's to write. */
  begin(call: Omit<Call, 'body'>): ClientRequest;
  /** Sends a request and resolves with the answer's beginning. */
  open(call: Call): Promise<IncomingMessage>;
  /** Sends a request and reads the whole answer. */
  call(call: Call): Promise<Reply>;
}

export async function startProxy(
  variables: Record<string, string> | (() => Record<string, string>),
  options: Partial<KeyProxyOptions> = {},
): Promise<TestProxy> {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const usage: UsageReport[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'nanoclaw-keys-'));
  const proxy = new KeyProxy({
    place: { kind: 'unix', directory, owner: undefined },
    readVariables: typeof variables === 'function' ? variables : () => variables,
    onUsage: (report) => void usage.push(report),
    log,
    ...options,
  });
  await proxy.start();
  onTestFinished(async () => {
    await proxy.stop();
    await rm(directory, { recursive: true });
  });
  let last: RunCredentials | undefined;
  const begin = ({ method = 'POST', path, headers = {}, signal, at = last }: Call): ClientRequest => {
    const target = { socketPath: socketOf(at), method, path, headers, agent: false };
    return request(signal === undefined ? target : { ...target, signal });
  };
  const open = (call: Call): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const outgoing = begin(call).on('response', resolve).on('error', reject);
      outgoing.end(call.body);
    });
  return {
    proxy,
    directory,
    logged: () => lines.join(''),
    usage,
    issue: async (provider, runId = 'run-1') => {
      const issued = await proxy.issue({ runId, groupFolder: 'family', provider });
      last = issued;
      const token = Object.entries(issued.env).find(([name]) => /KEY|TOKEN/.test(name))?.[1] ?? '';
      return { ...issued, token };
    },
    begin,
    open,
    call: async (call) => readReply(await open(call)),
  };
}

/** The socket at a run's door. */
export function socketOf(run: RunCredentials | undefined): string {
  return join(run?.mounts[0]?.hostPath ?? '/nowhere', SOCKET_NAME);
}

async function readReply(answer: IncomingMessage): Promise<Reply> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces).toString('utf8');
  return { status: answer.statusCode, headers: answer.headers, body };
}
