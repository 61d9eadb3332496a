import type { SessionUpdate } from '@agentclientprotocol/sdk';

/** What the program itself says in between, as if the model had said it. */
const COMPACTION = /^(Compacting conversation context|Compaction completed\.)/;

/** The updates that an answer is made of. */
const OF_USE: ReadonlySet<unknown> = new Set<SessionUpdate['sessionUpdate']>([
  'agent_message_chunk',
  'tool_call',
  'tool_call_update',
]);

/** Whether an update tells of the answer; the others tell of thoughts, commands and settings. @param params as they came */
export function isOfUse(params: unknown): boolean {
  const { update } = (params ?? {}) as { readonly update?: { readonly sessionUpdate?: unknown } | null };
  return OF_USE.has(update?.sessionUpdate);
}

/** Gathers the answer of a turn from its updates: what was said after the last call of a tool. */
export class Answer {
  #text = '';
  #compacted = false;

  /** @returns what the run log should know of it, if anything */
  add(update: SessionUpdate): string | undefined {
    if (update.sessionUpdate === 'tool_call') {
      this.#text = '';
      return `tool ${update.title}`;
    }
    if (update.sessionUpdate === 'tool_call_update') {
      const ended = update.status === 'completed' || update.status === 'failed';
      return ended ? `tool ${update.status}` : undefined;
    }
    if (update.sessionUpdate !== 'agent_message_chunk' || update.content.type !== 'text') return undefined;
    const { text } = update.content;
    if (!COMPACTION.test(text)) {
      this.#text += text;
      return undefined;
    }
    this.#compacted = true;
    return 'the conversation was compacted';
  }

  get text(): string {
    return this.#text.trim();
  }

  /** What the session was told before may be gone from it. */
  get compacted(): boolean {
    return this.#compacted;
  }
}
