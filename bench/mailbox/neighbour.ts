import { setTimeout as delay } from 'node:timers/promises';
import type { MailboxScene } from './scene.ts';

const PERIOD_MS = 20;

/** A group that drops a file every 20 ms and wants each to be taken soon. */
export class Neighbour {
  readonly #scene: MailboxScene;
  readonly #droppedAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(scene: MailboxScene) {
    this.#scene = scene;
  }

  start(): void {
    this.#timer = setInterval(() => this.#drop(), PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async dropFor(ms: number, signal: AbortSignal): Promise<void> {
    this.start();
    try {
      await delay(ms, undefined, { signal });
    } finally {
      this.stop();
    }
  }

  /** Milliseconds from each drop to its effect. To be called when all were taken. */
  latencies(): readonly number[] {
    const takenAt = this.#scene.takenAt('neighbour');
    return [...this.#droppedAt].map(([text, at]) => {
      const taken = takenAt.get(text);
      if (taken === undefined) throw new Error(`the neighbour's file "${text}" never became an effect`);
      return taken - at;
    });
  }

  #drop(): void {
    const text = `dropped at ${performance.now()}`;
    this.#droppedAt.set(text, this.#scene.drop('neighbour', text));
  }
}
