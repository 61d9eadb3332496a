import type { ServerResponse } from 'node:http';
import type { SimulatorEvents } from '../events.ts';
import type { Controlled } from './controlled.ts';
import { toJson } from './json.ts';

/** Events that are told; stanzas are too many, and stand in the wire log. */
const TOLD = [
  'line',
  'change',
  'typing',
  'paired',
  'login',
  'connection',
  'problem',
] as const satisfies readonly (keyof SimulatorEvents)[];
/** How many past events a late listener can still ask for. */
const KEPT = 5_000;

interface Told {
  id: number;
  event: (typeof TOLD)[number];
  data: unknown;
}

/** What happened, numbered, as server-sent events: a listener that was away goes on where it stopped. */
export class EventStream {
  readonly #past: Told[] = [];
  readonly #listeners = new Set<ServerResponse>();
  readonly #stops: (() => void)[];
  #next = 1;

  constructor(simulator: Controlled) {
    this.#stops = TOLD.map((event) =>
      simulator.on(event, (data) => this.#tell({ id: this.#next++, event, data })),
    );
  }

  /** Writes all events after number `after`, then each one as it comes, until the listener leaves. */
  follow(response: ServerResponse, after: number): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    for (const told of this.#past) if (told.id > after) write(response, told);
    this.#listeners.add(response);
    response.once('close', () => this.#listeners.delete(response));
  }

  /** Ends all listeners' streams. */
  close(): void {
    for (const stop of this.#stops) stop();
    for (const listener of this.#listeners) listener.end();
  }

  #tell(told: Told): void {
    this.#past.push(told);
    if (this.#past.length > KEPT) this.#past.shift();
    for (const listener of this.#listeners) write(listener, told);
  }
}

function write(response: ServerResponse, { id, event, data }: Told): void {
  response.write(`id: ${id}\nevent: ${event}\ndata: ${toJson(data)}\n\n`);
}
