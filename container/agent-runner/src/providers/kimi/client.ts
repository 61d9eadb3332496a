import { Readable, Writable } from 'node:stream';
import {
  type AgentRequestParamsByMethod,
  type AgentRequestResponsesByMethod,
  type AnyMessage,
  type ClientConnection,
  client,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
  type Stream,
} from '@agentclientprotocol/sdk';
import { TurnFailure } from '../../failure.ts';
import type { AgentProcess } from '../programs/agent-process.ts';
import { isOfUse } from './answer.ts';

type Method = keyof AgentRequestParamsByMethod & keyof AgentRequestResponsesByMethod & string;

/** The sandbox is what bounds the agent: within it everything is granted. */
export function grant({ options }: Pick<RequestPermissionRequest, 'options'>): RequestPermissionResponse {
  const option =
    options.find(({ kind }) => kind === 'allow_always') ?? options.find(({ kind }) => kind === 'allow_once');
  return {
    outcome:
      option === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: option.optionId },
  };
}

/** What the program says, without the updates of which nothing is made: to check their form takes longer than all else here. */
function streamOf({ stdin, stdout }: AgentProcess): Stream {
  // Node's and the web's streams of bytes are the same at run time; their types differ in the buffers' kind.
  const bytes = Readable.toWeb(stdout) as ReadableStream<Uint8Array>;
  const { readable, writable } = ndJsonStream(Writable.toWeb(stdin), bytes);
  const sieve = new TransformStream<AnyMessage, AnyMessage>({
    transform: (message, controller) => {
      const isUpdate = 'method' in message && message.method === methods.client.session.update;
      if (!isUpdate || isOfUse(message.params)) controller.enqueue(message);
    },
  });
  return { readable: readable.pipeThrough(sieve), writable };
}

/** The Agent Client Protocol with `kimi acp` over its stdin and stdout. */
export class KimiClient {
  /** What the agent can be asked, by the protocol's names. */
  readonly methods = methods.agent;
  readonly #program: AgentProcess;
  readonly #connection: ClientConnection;
  readonly #gone: Promise<never>;

  /** @param heard each update of the session, those of a replayed history included */
  constructor(program: AgentProcess, heard: (update: SessionUpdate) => void) {
    this.#program = program;
    this.#connection = client({ name: 'nanoclaw' })
      .onRequest(methods.client.session.requestPermission, ({ params }) => grant(params))
      .onNotification(methods.client.session.update, ({ params }) => heard(params.update))
      .connect(streamOf(program));
    this.#gone = program.ended.then(({ code, signal }) => {
      const said = program.stderrTail.trim().split('\n').at(-1) ?? '';
      throw new TurnFailure(`Kimi ended before its turn (${signal ?? code}): ${said}`);
    });
    // Whoever waits for an answer hears of it; nobody may be.
    this.#gone.catch(() => undefined);
  }

  /** @throws RequestError of the protocol, TurnFailure when the program ended instead of answering */
  async request<M extends Method>(
    method: M,
    params: AgentRequestParamsByMethod[M],
  ): Promise<AgentRequestResponsesByMethod[M]> {
    try {
      return await Promise.race([this.#connection.agent.request(method, params), this.#gone]);
    } catch (error) {
      if (!this.#connection.signal.aborted) throw error;
      // Its end says more than the end of the connection.
      void this.#program.end('SIGTERM');
      return this.#gone;
    }
  }

  async initialize(): Promise<void> {
    await this.request(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: {},
    });
  }

  /** Breaks the running prompt off; it is then answered with `cancelled`. */
  async cancel(sessionId: string): Promise<void> {
    await this.#connection.agent.notify(methods.agent.session.cancel, { sessionId });
  }
}
