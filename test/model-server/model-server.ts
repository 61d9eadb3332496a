import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a model says next. */
export type Step =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool'; readonly name: string; readonly input: Readonly<Record<string, unknown>> }
  | ErrorStep
  /** Says a text, and then the connection drops. */
  | CutStep
  /** Says nothing until the client goes away. */
  | { readonly kind: 'silence' };

interface CutStep {
  readonly kind: 'cut';
  readonly text: string;
}

/** An error of the service, in the words of its documentation. */
export interface ErrorStep {
  readonly kind: 'error';
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** OpenAI's, where it is not the type. */
  readonly code?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A request to the model, in the words that the three protocols share. */
export interface ModelRequest {
  /** The secret of `x-api-key` or of `authorization: Bearer`. */
  readonly key: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: unknown;
  readonly model: string;
  /** Every text that a person said, in order, the agent's own reminders included. */
  readonly userTexts: readonly string[];
  /** What the tools called since the last text of a person have answered, in order. */
  readonly toolResults: readonly string[];
  /** The names of the tools on offer, as a `tool` step must name them. */
  readonly tools: readonly string[];
}

/** What a protocol has a form for. */
export type Said = Exclude<Step, { kind: 'silence' | 'cut' }>;

/** Decides what the model says; called once per request. */
export type Script = (request: ModelRequest) => Step | Promise<Step>;

/** One of the protocols by which agents speak to their models. */
export interface ModelProtocol {
  /** @returns undefined when the request is none of this protocol's */
  read(path: string, headers: IncomingHttpHeaders, body: unknown): ModelRequest | undefined;
  /** Says a step in the protocol's own form, as a stream, usage included. */
  write(step: Said, request: ModelRequest, response: ServerResponse): void;
}

/** What every answer says that it used, so that a test can find it again. */
export const USAGE = { inputTokens: 1234, outputTokens: 56 } as const;

export interface ModelServer {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  /** Every request that was understood, in order. */
  readonly requests: readonly ModelRequest[];
  /** `METHOD path` of every other request. */
  readonly strangers: readonly string[];
  close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

/** A response whose connection drops when it has said the text. */
function cutAfter(text: string, response: ServerResponse): ServerResponse {
  let isCut = false;
  const write = (chunk: string): boolean => {
    if (isCut) return false;
    isCut = chunk.includes(JSON.stringify(text));
    return response.write(chunk, () => {
      if (isCut) response.destroy();
    });
  };
  return new Proxy(response, {
    get: (target, name) => {
      if (name === 'write') return write;
      const value: unknown = Reflect.get(target, name);
      if (name === 'end') return () => target;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A model's service on loopback that speaks one protocol and says what a script decides. */
export async function startModelServer(protocol: ModelProtocol, script: Script): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const strangers: string[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const path = incoming.url ?? '/';
      const request = protocol.read(path, incoming.headers, await bodyOf(incoming));
      if (incoming.method !== 'POST' || request === undefined) {
        strangers.push(`${incoming.method} ${path}`);
        response.writeHead(404).end();
        return;
      }
      requests.push(request);
      const step = await script(request);
      if (step.kind === 'cut') {
        protocol.write({ kind: 'text', text: step.text }, request, cutAfter(step.text, response));
      } else if (step.kind !== 'silence') protocol.write(step, request, response);
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    strangers,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
