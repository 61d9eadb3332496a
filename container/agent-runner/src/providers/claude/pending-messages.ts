/** The messages that were said to the program and that no result has answered yet. */
export class PendingMessages {
  readonly #texts = new Map<string, string>();

  add(id: string, text: string): void {
    this.#texts.set(id, text);
  }

  /** @param ids what a result answers; undefined: the program does not say, so all that was said */
  answered(ids: readonly string[] = [...this.#texts.keys()]): void {
    for (const id of ids) this.#texts.delete(id);
  }

  has(id: string): boolean {
    return this.#texts.has(id);
  }

  get size(): number {
    return this.#texts.size;
  }

  /** What is unanswered besides one message, in order. */
  textsBeside(id: string): readonly string[] {
    return [...this.#texts].filter(([key]) => key !== id).map(([, text]) => text);
  }
}
