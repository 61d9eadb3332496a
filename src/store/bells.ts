/**
 * What woke whom: after a commit the store rings, rooms subscribe in `main.ts` and read the truth from the database.
 * A bell carries no data, so one that is missed costs nothing but time.
 */
export const BELLS = ['messages', 'outbox', 'tasks', 'runs', 'groups', 'attachments'] as const;
export type Bell = (typeof BELLS)[number];

export class Bells {
  readonly #listeners = new Map<Bell, Set<() => void>>();

  /** @returns a function that ends the subscription */
  on(bell: Bell, listener: () => void): () => void {
    const listeners = this.#listeners.get(bell) ?? new Set();
    this.#listeners.set(bell, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Calls every listener, each after the caller's own work is done. */
  ring(bell: Bell): void {
    for (const listener of this.#listeners.get(bell) ?? []) {
      setImmediate(() => {
        if (this.#listeners.get(bell)?.has(listener)) listener();
      });
    }
  }

  /** Ends all subscriptions: what has rung already is not heard any more. */
  silence(): void {
    this.#listeners.clear();
  }
}
