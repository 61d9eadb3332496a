import type { SdkUserMessage } from './sdk.ts';

/** What a person says to the running program, in order, until it is ended. Read once, by the SDK. */
export class UserMessages implements AsyncIterable<SdkUserMessage> {
  readonly #waiting: SdkUserMessage[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  /**
   * @param uuid the result that answers it names it again
   * @param priority `now`: before whatever waits already
   */
  push(text: string, uuid: string, priority?: 'now'): void {
    this.#waiting.push({
      type: 'user',
      message: { role: 'user', content: text },
      parent_tool_use_id: null,
      uuid,
      session_id: '',
      ...(priority === undefined ? {} : { priority }),
      // A task's prompt is no command of the program's own, whatever it begins with.
      ...(text.trimStart().startsWith('/') ? { client_composed: true } : {}),
    });
    this.#wake();
  }

  /** Nothing more will be said: the program ends when it has answered. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SdkUserMessage> {
    while (true) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
