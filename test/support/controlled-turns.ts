import { expect, onTestFinished, vi } from 'vitest';
import { Conversation } from '../../src/conversation/conversation.ts';
import { Settlement } from '../../src/conversation/settlement.ts';
import type { OutputFrame } from '../../src/protocol/turn.ts';
import type { RegisteredGroup } from '../../src/store/groups.ts';
import type { Store } from '../../src/store/store.ts';
import { DEFAULT_TIMINGS, type Timings } from '../../src/timings.ts';
import { type Script, ScriptedAgent } from './scripted-agent.ts';
import { silentLog } from './silent-log.ts';
import { counter, MAIN, newMessage, testStore, testTask } from './test-store.ts';

const clock = { now: () => Date.now() };

/** A conversation whose turns go on until the test lets them answer and end. */
export function controlledTurns(
  options: {
    readonly idleTimeoutMs?: number;
    readonly store?: Store;
    readonly drainMailbox?: () => Promise<void>;
    readonly mostAtOnce?: number;
    readonly timings?: Partial<Timings>;
  } = {},
) {
  const {
    store = testStore(),
    idleTimeoutMs = 0,
    drainMailbox = async () => undefined,
    mostAtOnce = 2,
  } = options;
  const typing: string[] = [];
  const acts: { say: (frame: OutputFrame) => Promise<void>; end: (how?: object) => void }[] = [];
  const script: Script = (_, say) =>
    new Promise((resolve) => acts.push({ say, end: (how = {}) => resolve(how) }));
  const agent = new ScriptedAgent(script);
  agent.acceptsFollowUps = true;
  const newId = counter('run');
  const conversation = new Conversation({
    store,
    agent,
    settlement: new Settlement(store, newId, clock.now, DEFAULT_TIMINGS),
    clock,
    newId,
    log: silentLog,
    provider: 'offline',
    model: undefined,
    idleTimeoutMs,
    drainMailbox,
    channel: { setTyping: async (jid, on) => void typing.push(`${jid} ${on}`), state: { status: 'open' } },
    timezone: 'UTC',
    mostAtOnce,
    prepare: async () => undefined,
    cleanUp: async () => undefined,
    timings: { ...DEFAULT_TIMINGS, ...options.timings },
  });
  onTestFinished(() => conversation.stop(0));
  store.bells.on('messages', () => conversation.wake());
  store.bells.on('runs', () => conversation.wake());
  const started = async (count: number) => {
    await vi.waitFor(() => expect(acts).toHaveLength(count));
    const act = acts.at(-1);
    if (act === undefined) throw new Error('nothing has started');
    return act;
  };
  const given = async (count: number) => {
    await vi.waitFor(() => expect(store.followUps.ofRun(agent.requests[0]?.runId ?? '')).toHaveLength(count));
    return [...agent.input.keys()];
  };
  /** Lets a task’s run wait in a group. */
  const queueTask = ({ folder, jid }: RegisteredGroup): void => {
    const task = testTask({ folder, chatJid: jid, id: `task-${folder}` });
    store.tasks.add(task);
    const run = { id: `run-${task.id}`, folder, chatJid: jid, taskId: task.id };
    store.runs.queueTask({ ...run, slot: 'now', attempt: 1, notBefore: 0 }, clock.now());
  };
  return { store, agent, conversation, acts, typing, started, given, queueTask };
}

export const answer = (result: string): OutputFrame => ({ status: 'success', result });
export const call = (store: Store, id: string, text = '@Andy hi', chatJid = MAIN.jid): void => {
  store.messages.add(newMessage({ id, text, chatJid, isTrigger: true }));
};
