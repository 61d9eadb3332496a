import { EventStream } from './event-stream.ts';
import type { Protocol } from './model-service.ts';
import { type Usage, UsageTally } from './usage.ts';

/** The last event of a Responses stream repeats the whole answer, with the tools that were on offer. */
const MAX_EVENT_BYTES = 2 * 1024 * 1024;

/** Reads usage from an answer as it passes. It looks at the bytes and keeps few of them; it alters and delays none. */
export class UsageReader {
  readonly #tally: UsageTally;
  readonly #limit: number;
  readonly #events: EventStream | undefined;
  #body: Buffer[] | undefined;
  #bodyBytes = 0;

  /**
   * @param contentType of the answer: a stream of events and JSON are read, anything else says nothing
   * @param limit bytes of one event or JSON answer; larger ones are passed over
   */
  constructor(protocol: Protocol, contentType: string | undefined, limit = MAX_EVENT_BYTES) {
    this.#tally = new UsageTally(protocol);
    this.#limit = limit;
    const isEvents = contentType?.startsWith('text/event-stream') ?? false;
    this.#events = isEvents ? new EventStream(limit, (data) => this.#look(data)) : undefined;
    this.#body = contentType?.startsWith('application/json') ? [] : undefined;
  }

  push(chunk: Buffer): void {
    this.#events?.push(chunk);
    if (this.#body === undefined) return;
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.#limit) this.#body = undefined;
    else this.#body.push(chunk);
  }

  /** What was used, as far as the answer came; undefined: it did not say. */
  end(): Usage | undefined {
    this.#events?.end();
    if (this.#body !== undefined) this.#look(Buffer.concat(this.#body));
    this.#body = undefined;
    return this.#tally.usage;
  }

  #look(json: Buffer): void {
    // Most events are pieces of text: they are not worth parsing.
    if (!json.includes('"usage"')) return;
    this.#tally.add(parse(json));
  }
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    // Not the protocol's: it says nothing of usage.
    return undefined;
  }
}
