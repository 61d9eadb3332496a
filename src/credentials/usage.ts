import { z } from 'zod';
import type { Protocol } from './model-service.ts';

/** What one answer of a model cost. */
export interface Usage {
  readonly model: string;
  /** All tokens read, those from a cache and those written to one included. */
  readonly inputTokens: number;
  /** Those of inputTokens that came from a cache. */
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
}

/** Parts of a usage as they become known. */
interface Counts {
  readonly model?: string | undefined;
  readonly uncached?: number | undefined;
  readonly cacheWritten?: number | undefined;
  readonly cached?: number | undefined;
  readonly output?: number | undefined;
}

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).nullish().catch(undefined);
const model = z.string().min(1).max(200).nullish().catch(undefined);

const MessagesUsage = z.object({
  input_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
});
const Message = z.object({ model, usage: MessagesUsage });
/** Messages: the start tells the input, each delta the sums so far; without streaming it is one message. */
const MessagesEvent = z.union([
  z.object({ type: z.literal('message_start'), message: Message }).transform(({ message }) => message),
  z
    .object({ type: z.literal('message_delta'), usage: MessagesUsage })
    .transform(({ usage }) => ({ model: undefined, usage })),
  Message.extend({ type: z.literal('message') }),
]);

const Response = z.object({
  model,
  usage: z.object({
    input_tokens: count,
    input_tokens_details: z.object({ cached_tokens: count }).nullish().catch(undefined),
    output_tokens: count,
  }),
});
/** Responses: the last event holds the whole response; without streaming it is the answer. */
const ResponsesEvent = z.union([
  z
    .object({
      type: z.enum(['response.completed', 'response.incomplete', 'response.failed']),
      response: Response,
    })
    .transform(({ response }) => response),
  Response.extend({ object: z.string().startsWith('response') }),
]);

const ChatUsage = z.object({
  prompt_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count }).nullish().catch(undefined),
  // Moonshot's own place for it.
  cached_tokens: count,
  completion_tokens: count,
});
/** Chat completions: a chunk near the end holds it, in Moonshot's older form inside the choice. */
const ChatEvent = z.union([
  z.object({ model, usage: ChatUsage }),
  z
    .object({ model, choices: z.tuple([z.object({ usage: ChatUsage })], z.unknown()) })
    .transform((chunk) => ({ model: chunk.model, usage: chunk.choices[0].usage })),
]);

function countsIn(protocol: Protocol, event: unknown): Counts {
  switch (protocol) {
    case 'messages': {
      const { data } = MessagesEvent.safeParse(event);
      return {
        model: data?.model ?? undefined,
        uncached: data?.usage.input_tokens ?? undefined,
        cacheWritten: data?.usage.cache_creation_input_tokens ?? undefined,
        cached: data?.usage.cache_read_input_tokens ?? undefined,
        output: data?.usage.output_tokens ?? undefined,
      };
    }
    case 'responses': {
      const { data } = ResponsesEvent.safeParse(event);
      const cached = data?.usage.input_tokens_details?.cached_tokens ?? undefined;
      return inclusive(data?.model, data?.usage.input_tokens, cached, data?.usage.output_tokens);
    }
    case 'chat': {
      const { data } = ChatEvent.safeParse(event);
      const cached = data?.usage.prompt_tokens_details?.cached_tokens ?? data?.usage.cached_tokens;
      return inclusive(data?.model, data?.usage.prompt_tokens, cached, data?.usage.completion_tokens);
    }
  }
}

/** Counts of services whose input includes what came from a cache. */
function inclusive(
  name: string | null | undefined,
  input: number | null | undefined,
  cached: number | null | undefined,
  output: number | null | undefined,
): Counts {
  const uncached = input == null ? undefined : Math.max(0, input - (cached ?? 0));
  return {
    model: name ?? undefined,
    uncached,
    cached: cached ?? undefined,
    output: output ?? undefined,
  };
}

/** Adds up what the events of one answer say of its usage; events that are none of the protocol's say nothing. */
export class UsageTally {
  readonly #protocol: Protocol;
  #counts: Counts = {};

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  add(event: unknown): void {
    const told = Object.entries(countsIn(this.#protocol, event)).filter(([, value]) => value !== undefined);
    this.#counts = { ...this.#counts, ...Object.fromEntries(told) };
  }

  /** Undefined: nothing was said of tokens. */
  get usage(): Usage | undefined {
    const { model: name, uncached, cacheWritten = 0, cached = 0, output } = this.#counts;
    if (uncached === undefined && output === undefined) return undefined;
    return {
      model: name ?? 'unknown',
      inputTokens: (uncached ?? 0) + cacheWritten + cached,
      cachedInputTokens: cached,
      outputTokens: output ?? 0,
    };
  }
}
