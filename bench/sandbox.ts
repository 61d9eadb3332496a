import { v7 as uuidv7 } from 'uuid';
import type { AgentRunner } from '../src/agent/agent.ts';
import { RuntimeError } from '../src/agent/runtime/runtime.ts';
import { type Bench, CannotMeasure, type Row } from './bench.ts';
import { startAgent } from './support/agent.ts';
import { median } from './support/statistics.ts';

const PAIRS = 15;
const WARM_UPS = 2;

/** Milliseconds from asking for a turn. */
interface TurnTime {
  /** Until the answer was read. */
  readonly answered: number;
  /** Until the sandbox was gone and everything was put away. */
  readonly ended: number;
}

interface Pair {
  readonly sandboxed: TurnTime;
  readonly plain: TurnTime;
}

/** The same turn of the offline agent in bubblewrap and as a plain process, in turns. */
export const sandbox: Bench = {
  name: 'sandbox',
  shows: 'what its sandbox costs a turn: bubblewrap against a plain process',
  limitMs: 30_000,
  run: async ({ cleanup, signal, note }) => {
    const agents = {
      sandboxed: await startAgent(cleanup, 'bubblewrap').catch(orLeaveOut),
      plain: await startAgent(cleanup, 'plain-process').catch(orLeaveOut),
    };
    const pairs: Pair[] = [];
    for (let round = 0; round < WARM_UPS + PAIRS; round++) {
      signal.throwIfAborted();
      const pair = await takePair(agents, round % 2 === 0);
      if (round >= WARM_UPS) pairs.push(pair);
    }
    note(
      'A pair is one turn in each, the first of them changing from pair to pair; ratio and difference are taken within pairs.',
    );
    return toRows(pairs);
  },
};

function orLeaveOut(error: unknown): never {
  throw error instanceof RuntimeError ? new CannotMeasure(error.message) : error;
}

async function takePair(agents: Record<keyof Pair, AgentRunner>, sandboxFirst: boolean): Promise<Pair> {
  if (sandboxFirst) {
    const sandboxed = await takeTurn(agents.sandboxed);
    return { sandboxed, plain: await takeTurn(agents.plain) };
  }
  const plain = await takeTurn(agents.plain);
  return { plain, sandboxed: await takeTurn(agents.sandboxed) };
}

async function takeTurn(agent: AgentRunner): Promise<TurnTime> {
  const startedAt = performance.now();
  let answered: number | undefined;
  const request = {
    runId: uuidv7(),
    groupFolder: 'family',
    chatJid: 'family@g.us',
    isMain: false,
    isScheduledTask: false,
    provider: 'offline' as const,
    prompt: '@Andy ping',
    containerConfig: {},
  };
  const turn = await agent.run(request, async ({ result }) => {
    if (result === 'pong') answered = performance.now() - startedAt;
  });
  const outcome = await turn.done;
  if (answered === undefined)
    throw new Error(`A turn in ${agent.description} gave no answer: ${outcome.error ?? outcome.reason}`);
  return { answered, ended: performance.now() - startedAt };
}

function toRows(pairs: readonly Pair[]): readonly Row[] {
  const n = pairs.length;
  const of = (label: string, unit: 'ms' | '×', pick: (pair: Pair) => number): Row => {
    return { label, value: median(pairs.map(pick)), unit, n };
  };
  return [
    of('a turn in bubblewrap, median', 'ms', ({ sandboxed }) => sandboxed.ended),
    of('a turn as a plain process, median', 'ms', ({ plain }) => plain.ended),
    of('bubblewrap ÷ plain process, median', '×', ({ sandboxed, plain }) => sandboxed.ended / plain.ended),
    of('bubblewrap − plain process, median', 'ms', ({ sandboxed, plain }) => sandboxed.ended - plain.ended),
    of('until the answer was read, in bubblewrap, median', 'ms', ({ sandboxed }) => sandboxed.answered),
    of('until the answer was read, as a plain process, median', 'ms', ({ plain }) => plain.answered),
  ];
}
