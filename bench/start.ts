import { type Bench, type BenchContext, CannotMeasure, type Row } from './bench.ts';
import { BARE_STARTS, type BareAgent } from './start/bare.ts';
import { type StartRig, startRig } from './start/rig.ts';
import { median } from './support/statistics.ts';

const PAIRS = 20;
const WARM_UPS = 2;
/** Milliseconds that the runner may add to a start, in the median: nobody should feel it. */
const MOST_ADDED = 100;

/** Milliseconds from spawning the container. */
interface OwnStart {
  /** Until the runner's process existed, was loaded, had read its input and had prepared the workspace. */
  readonly stages: Readonly<Record<string, number>>;
  /** Until the model's first request. */
  readonly request: number;
}

interface Pair {
  readonly own: OwnStart;
  readonly bare: number;
}

/** The same program with the same flags and tool server in the same image, started by the runner and without it. */
export const start: Bench = {
  name: 'start',
  shows: 'what the runner adds until an agent asks its model: its container against a bare one, in Docker',
  limitMs: 1_200_000,
  run: async (context) => {
    const rows: Row[] = [];
    for (const agent of BARE_STARTS) rows.push(...(await measure(context, agent)));
    context.note(
      'A pair is one start of each, the first of them changing from pair to pair. Both containers are made alike and share the host’s network; the runner’s agent reaches the model by the forwarder and the keys’ proxy, the bare one directly.',
    );
    return rows;
  },
};

async function measure(context: BenchContext, agent: BareAgent): Promise<readonly Row[]> {
  const rig = await startRig(context.cleanup, agent).catch((error: unknown) => {
    throw error instanceof Error && /^RuntimeUnavailable|^Image/.test(error.name)
      ? new CannotMeasure(error.message)
      : error;
  });
  const pairs: Pair[] = [];
  for (let round = 0; round < WARM_UPS + PAIRS; round++) {
    context.signal.throwIfAborted();
    const pair = await takePair(rig, round % 2 === 0 && round > 0);
    if (round >= WARM_UPS) pairs.push(pair);
  }
  await rig.close();
  return toRows(agent.provider, pairs);
}

async function takePair(rig: StartRig, bareFirst: boolean): Promise<Pair> {
  if (bareFirst) {
    const bare = await rig.startBare();
    return { bare, own: await rig.startOwn() };
  }
  const own = await rig.startOwn();
  return { own, bare: await rig.startBare() };
}

function toRows(provider: string, pairs: readonly Pair[]): readonly Row[] {
  const n = pairs.length;
  const of = (label: string, pick: (pair: Pair) => number): Row => ({
    label: `${provider}: ${label}, median`,
    value: median(pairs.map(pick)),
    unit: 'ms',
    n,
  });
  const stages = Object.keys(pairs[0]?.own.stages ?? {});
  return [
    of('spawn → first request, by the runner', ({ own }) => own.request),
    of('spawn → first request, bare', ({ bare }) => bare),
    { ...of('added by the runner', ({ own, bare }) => own.request - bare), limit: MOST_ADDED },
    ...stages.map((stage, index) =>
      of(
        `stage ${stage}`,
        ({ own }) => (own.stages[stage] ?? 0) - (own.stages[stages[index - 1] ?? ''] ?? 0),
      ),
    ),
  ];
}
