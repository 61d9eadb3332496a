import type { Bench, Row } from './bench.ts';
import { ChildProgram } from './mailbox/child-program.ts';
import { Neighbour } from './mailbox/neighbour.ts';
import { MailboxScene } from './mailbox/scene.ts';
import { largest, median, percentile } from './support/statistics.ts';
import { temporaryRoot } from './support/temporary-root.ts';

const ROUNDS = 3;
const FLOOD = 2_000;
const GREAT_FLOOD = 20_000;
/** How long the neighbour is alone before each flood. */
const QUIET_MS = 1_000;

interface Round {
  readonly filesPerSecond: number;
  /** Milliseconds from each of the neighbour's files to its effect. */
  readonly alone: readonly number[];
  readonly besideFlood: readonly number[];
  /** Longest stalls of the event loops during the flood, in milliseconds. */
  readonly stall: number;
  readonly idleStall: number;
}

/** A group that floods its mailbox, and what its neighbour feels of it. */
export const mailbox: Bench = {
  name: 'mailbox',
  shows: `${FLOOD.toLocaleString('en-US')} files of one group are taken while another drops one each 20 ms`,
  limitMs: 150_000,
  run: async (context) => {
    const { cleanup, signal, note } = context;
    const { paths } = await temporaryRoot(cleanup);
    const scene = await MailboxScene.open(paths, cleanup);
    const host = new ChildProgram(new URL('./mailbox/mailbox-host.ts', import.meta.url), [paths.root]);
    cleanup.add(() => host.stop());
    const control = new ChildProgram(new URL('./mailbox/idle-control.ts', import.meta.url));
    cleanup.add(() => control.stop());
    await Promise.all([host.ready(), control.ready()]);

    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted();
      rounds.push(await takeRound(FLOOD, scene, host, control, signal));
    }
    const before = await host.memory();
    const great = await takeRound(GREAT_FLOOD, scene, host, control, signal);
    const after = await host.memory();
    note(
      'Mailbox and idle control are processes of their own; the files are dropped by a third. A stall is the longest gap between two ticks of a 1 ms timer during a flood. Latency goes from the rename to the time in the effect’s row, with a resolution of 1 ms.',
    );
    return [...toRows(rounds), ...rowsOfGreatFlood(great, after.peakMib - before.nowMib)];
  },
};

async function takeRound(
  flood: number,
  scene: MailboxScene,
  host: ChildProgram,
  control: ChildProgram,
  signal: AbortSignal,
): Promise<Round> {
  const quiet = new Neighbour(scene);
  await quiet.dropFor(QUIET_MS, signal);
  await scene.untilTaken(signal);

  await Promise.all([host.forget(), control.forget()]);
  const beside = new Neighbour(scene);
  beside.start();
  const startedAt = await scene.flood(flood);
  const endedAt = await scene.untilFloodTaken(signal);
  beside.stop();
  const [stall, idleStall] = await Promise.all([host.longestStall(), control.longestStall()]);
  await scene.untilTaken(signal);
  return {
    filesPerSecond: flood / ((endedAt - startedAt) / 1_000),
    alone: quiet.latencies(),
    besideFlood: beside.latencies(),
    stall,
    idleStall,
  };
}

function toRows(rounds: readonly Round[]): readonly Row[] {
  const n = rounds.length;
  const alone = rounds.flatMap((round) => round.alone);
  const beside = rounds.flatMap((round) => round.besideFlood);
  return [
    {
      label: 'files of the flood taken per second, median',
      value: median(rounds.map((r) => r.filesPerSecond)),
      unit: 'files/s',
      n,
    },
    { label: 'neighbour alone, median', value: median(alone), unit: 'ms', n: alone.length },
    { label: 'neighbour alone, 99th percentile', value: percentile(alone, 99), unit: 'ms', n: alone.length },
    { label: 'neighbour beside the flood, median', value: median(beside), unit: 'ms', n: beside.length },
    {
      label: 'neighbour beside the flood, 99th percentile',
      value: percentile(beside, 99),
      unit: 'ms',
      n: beside.length,
    },
    {
      label: 'longest stall of the mailbox’s event loop, worst round',
      value: largest(rounds.map((r) => r.stall)),
      unit: 'ms',
      n,
    },
    {
      label: 'longest stall of an idle process beside it, worst round',
      value: largest(rounds.map((r) => r.idleStall)),
      unit: 'ms',
      n,
    },
    {
      label: 'stall beyond the idle process’s, median',
      value: median(rounds.map((r) => r.stall - r.idleStall)),
      unit: 'ms',
      n,
    },
    {
      label: 'stall beyond the idle process’s, worst round',
      value: largest(rounds.map((r) => r.stall - r.idleStall)),
      unit: 'ms',
      n,
    },
  ];
}

function rowsOfGreatFlood({ besideFlood, filesPerSecond }: Round, growthMib: number): readonly Row[] {
  const flood = `flood of ${GREAT_FLOOD.toLocaleString('en-US')}`;
  const n = besideFlood.length;
  return [
    { label: `${flood}: files taken per second`, value: filesPerSecond, unit: 'files/s', n: 1 },
    { label: `${flood}: neighbour, median`, value: median(besideFlood), unit: 'ms', n },
    { label: `${flood}: neighbour, 99th percentile`, value: percentile(besideFlood, 99), unit: 'ms', n },
    { label: `${flood}: the mailbox’s memory grew by at most`, value: growthMib, unit: 'MiB', n: 1 },
  ];
}
