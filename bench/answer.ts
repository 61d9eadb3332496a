import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { readStages, STAGES, type Stages, type TimedAnswer } from './answer/stages.ts';
import type { Bench, BenchContext, Row } from './bench.ts';
import { type LinkedHost, startLinkedHost } from './support/linked-host.ts';
import { median, percentile } from './support/statistics.ts';

const TURNS = 20;
/** The first turns find nothing in the caches of the host and of the system. */
const WARM_UPS = 2;
const ANSWER_TIMEOUT_MS = 15_000;
/** Nobody asks faster for long, and the pace of sends would hold the answers up. */
const PAUSE_MS = 1_500;

/** From the phone to the agent and back, over everything that is real but the server and the agent. */
export const answer: Bench = {
  name: 'answer',
  shows: 'from a message typed on the phone to the answer on the phone',
  limitMs: 90_000,
  run: async (context) => {
    const house = await startLinkedHost(context);
    const answers: TimedAnswer[] = [];
    for (let turn = 0; turn < WARM_UPS + TURNS; turn++) {
      await delay(PAUSE_MS, undefined, { signal: context.signal });
      const taken = await takeTurn(house);
      if (turn >= WARM_UPS) answers.push(taken);
    }
    const stages = await readStages(house.paths, answers);
    tell(context, house);
    return toRows(stages);
  },
};

/** One turn, until nothing of it is left: the next one finds the host idle. */
async function takeTurn({ simulator, host }: LinkedHost): Promise<TimedAnswer> {
  const seen = new Set(simulator.chat(simulator.selfChat).map(({ id }) => id));
  const settled = once(host, 'turnEnded');
  const typedAt = Date.now();
  await simulator.say({ chat: simulator.selfChat, text: '@Andy ping' });
  const shown = simulator.waitFor(({ byDevice, id }) => byDevice && !seen.has(id), {
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
  const line = await Promise.race([shown, host.failure()]);
  if (!line.text.endsWith('pong')) throw new Error(`The answer to a ping was: ${line.text}`);
  await Promise.race([settled, host.failure()]);
  return { wireId: line.id, typedAt, shownAt: line.at };
}

function tell({ note }: BenchContext, { sandbox }: LinkedHost): void {
  note(
    `The agent ran in ${sandbox}. The simulator runs in the process that measures. The host runs from source and logs at debug, where its sandbox’s start is told; instants have a resolution of 1 ms.`,
  );
}

function toRows(turns: readonly Stages[]): readonly Row[] {
  const n = turns.length;
  const totals = turns.map(({ total }) => total);
  return [
    { label: 'typed → answer shown, median', value: median(totals), unit: 'ms', n },
    { label: 'typed → answer shown, 95th percentile', value: percentile(totals, 95), unit: 'ms', n },
    ...STAGES.map(([stage, label]): Row => {
      return { label: `${label}, median`, value: median(turns.map((turn) => turn[stage])), unit: 'ms', n };
    }),
  ];
}
