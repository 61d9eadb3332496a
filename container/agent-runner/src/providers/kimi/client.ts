import { Readable, Writable } from 'node:stream';
import {
  type AgentRequestParamsByMethod,
  type AgentRequestResponsesByMethod,
  type ClientConnection,
  client,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
} from '@agentclientprotocol/sdk';
import { TurnFailure } from '../../failure.ts';
import type { AgentProcess } from '../programs/agent-process.ts';

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
      // Node's and the web's streams of bytes are the same at run time; their types differ in the buffers' kind.
      .connect(
        ndJsonStream(
          Writable.toWeb(program.stdin),
          Readable.toWeb(program.stdout) as ReadableStream<Uint8Array>,
        ),
      );
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
