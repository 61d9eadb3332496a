/**
 * What woke whom: after a commit the store rings, rooms subscribe in `main.ts` and read the truth from the database.
 * A bell carries no data, so one that is missed costs nothing but time.
 */
export const BELLS = ['messages', 'outbox', 'tasks', 'runs', 'groups', 'attachments', 'sessions'] as const;
export type Bell = (typeof BELLS)[number];

interface Subscription {
  readonly listener: () => void | Promise<void>;
  isRunning: boolean;
  /** It has rung since the listener began. */
  isDue: boolean;
}

/** Rings that come while a listener waits or runs lead to one more run, however many they are. */
export class Bells {
  readonly #subscriptions = new Map<Bell, Set<Subscription>>();

  /**
   * @param listener a promise that it returns never rejects
   * @returns a function that ends the subscription
   */
  on(bell: Bell, listener: () => void | Promise<void>): () => void {
    const subscriptions = this.#subscriptions.get(bell) ?? new Set();
    this.#subscriptions.set(bell, subscriptions);
    const subscription = { listener, isRunning: false, isDue: false };
    subscriptions.add(subscription);
    return () => void subscriptions.delete(subscription);
  }

  /** Calls every listener, each after the caller's own work is done. */
  ring(bell: Bell): void {
    for (const subscription of this.#subscriptions.get(bell) ?? []) {
      if (subscription.isDue) continue;
      subscription.isDue = true;
      if (!subscription.isRunning) this.#callLater(bell, subscription);
    }
  }

  #callLater(bell: Bell, subscription: Subscription): void {
    setImmediate(async () => {
      if (!this.#subscriptions.get(bell)?.has(subscription)) return;
      subscription.isDue = false;
      subscription.isRunning = true;
      try {
        await subscription.listener();
      } finally {
        subscription.isRunning = false;
        if (subscription.isDue) this.#callLater(bell, subscription);
      }
    });
  }

  /** Ends all subscriptions: what has rung already is not heard any more. */
  silence(): void {
    this.#subscriptions.clear();
  }
}
