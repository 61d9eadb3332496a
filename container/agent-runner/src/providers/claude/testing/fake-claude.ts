import type {
  QueryFunction,
  SdkMessage,
  SdkOptions,
  SdkResultMessage,
  SdkToolServer,
  SdkUserMessage,
} from '../sdk.ts';

export const SESSION = '11111111-1111-4111-8111-111111111111';

/** What happens in the program when something is said to it. `said`: everything not answered yet, in order. */
export type Behaviour = (said: readonly SdkUserMessage[], claude: FakeClaude) => Promise<void> | void;

/** Stands in the place of Claude's program: says what a test decides, in the forms that were seen of the real one. */
export class FakeClaude {
  readonly runs: SdkOptions[] = [];
  readonly texts: string[] = [];
  servers: readonly SdkToolServer[] = [];
  interrupts = 0;
  closed = 0;
  /** Resolves `interrupt()`; tests that interrupt replace it. */
  onInterrupt: () => void = () => undefined;
  readonly #behaviour: Behaviour;
  readonly #out: SdkMessage[] = [];
  #waiting: SdkUserMessage[] = [];
  #wake: () => void = () => undefined;
  #error: Error | undefined;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  readonly query: QueryFunction = ({ prompt, options }) => {
    this.runs.push(options);
    this.#error = undefined;
    let over = false;
    void (async () => {
      for await (const message of prompt) {
        this.texts.push(message.message.content);
        this.#waiting.push(message);
        await this.#behaviour(this.#waiting, this);
      }
      over = true;
      this.#wake();
    })();
    const messages = async function* (this: FakeClaude): AsyncGenerator<SdkMessage> {
      while (true) {
        const next = this.#out.shift();
        if (next !== undefined) yield next;
        else if (this.#error !== undefined) throw this.#error;
        else if (over) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }.bind(this);
    return {
      [Symbol.asyncIterator]: messages,
      interrupt: async () => {
        this.interrupts += 1;
        this.onInterrupt();
      },
      mcpServerStatus: async () => this.servers.map((server) => ({ error: 'ENOENT', ...server })),
      close: () => {
        this.closed += 1;
      },
    };
  };

  emit(message: SdkMessage): void {
    this.#out.push(message);
    this.#wake();
  }

  init(servers: readonly SdkToolServer[] = [{ name: 'nanoclaw', status: 'connected' }]): void {
    this.servers = servers;
    this.emit({ type: 'system', subtype: 'init', session_id: SESSION, mcp_servers: servers });
  }

  /** A message of the main thread, or of a subagent's. */
  assistant(uuid: string, more: { parent?: string; error?: string } = {}): void {
    const { parent = null, error } = more;
    this.emit({
      type: 'assistant',
      uuid,
      parent_tool_use_id: parent,
      ...(error === undefined ? {} : { error }),
    });
  }

  /** The result that answers everything that was said so far. */
  result(text: string, more: Partial<SdkResultMessage> = {}): void {
    const user_message_uuids = this.#waiting.map(({ uuid }) => uuid);
    this.#waiting = [];
    this.emit({
      type: 'result',
      subtype: 'success',
      is_error: false,
      session_id: SESSION,
      result: text,
      user_message_uuids,
      ...more,
    });
  }

  /** The program ended with an error. */
  fail(message: string): void {
    this.#error = new Error(message);
    this.#wake();
  }
}
