import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a service was asked. */
export interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A model's service on loopback. */
export interface Service {
  /** Without a path. */
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Answers in its own way; the body has come whole and was noted. */
export type Answer = RequestListener;

export const JSON_ANSWER: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
};

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

/** A service that is gone when the test has ended. @param tls its certificate, where it has one */
export async function startService(
  answer: Answer = JSON_ANSWER,
  tls?: { readonly key: string; readonly cert: string },
): Promise<Service> {
  const asked: Asked[] = [];
  const listener: RequestListener = async (request, response) => {
    const { method, url: path, headers } = request;
    // A client that goes away in the middle of its request was not asking.
    const body = await bodyOf(request).catch(() => undefined);
    if (body === undefined) return;
    asked.push({ method, path, headers, body });
    answer(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  const port = await listen(server);
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, asked };
}

/** Listens on loopback until the test has ended. @returns the port */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}
