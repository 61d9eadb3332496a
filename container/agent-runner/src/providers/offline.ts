import { randomUUID } from 'node:crypto';
import type { OutputFrame } from '../../../../src/protocol/turn.ts';
import { MailboxClient } from '../tools/mailbox-client.ts';
import { addressedRequests } from './offline/addressed-requests.ts';
import type { Conversation } from './offline/command.ts';
import { answerRequest } from './offline/commands.ts';
import { misbehave } from './offline/fault-commands.ts';
import { scriptOf } from './offline/script.ts';
import { OfflineSession } from './offline/session.ts';
import type { AgentProvider, AgentTurn } from './provider.ts';

/** What a turn of the offline agent needs of the world; injected so that tests can set it. */
export interface OfflineWorld {
  readonly now: () => Date;
  readonly newSessionId: () => string;
}

const REAL_WORLD: OfflineWorld = { now: () => new Date(), newSessionId: randomUUID };

/**
 * The built-in agent: fixed commands, no model and no network. It uses the same files and tools as any other agent, so
 * that everything around an agent can be tried without an account.
 */
export class OfflineProvider implements AgentProvider {
  readonly name = 'offline';
  readonly #world: OfflineWorld;

  constructor(world: OfflineWorld = REAL_WORLD) {
    this.#world = world;
  }

  async *answer(turn: AgentTurn): AsyncGenerator<OutputFrame> {
    const assistantName = turn.input.assistantName ?? 'Andy';
    const { texts, timezone } = addressedRequests(turn.prompt, assistantName);
    const session = await OfflineSession.open(turn.layout.home, turn.sessionId, this.#world.newSessionId);
    const script = scriptOf(texts, turn.env);
    if (script !== undefined) {
      yield { status: 'success', result: await script(turn), newSessionId: session.id };
      return;
    }
    const conversation: Conversation = {
      turn,
      assistantName,
      session,
      mailbox: new MailboxClient(turn.layout),
      now: this.#world.now(),
      timezone: timezone ?? turn.env.TZ ?? 'UTC',
    };
    for (const [index, text] of texts.entries()) {
      const misbehaved = await misbehave(text, turn.env);
      if (index === 0) yield { status: 'success', result: null, newSessionId: session.id };
      const result = misbehaved ? 'done' : await answerRequest(text, conversation);
      if (turn.input.isScheduledTask !== true) await session.remember(text);
      yield { status: 'success', result, newSessionId: session.id };
    }
  }
}
