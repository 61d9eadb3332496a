import type { Bench, Row } from './bench.ts';
import { Assault } from './mailbox/assault.ts';
import { ChildProgram } from './mailbox/child-program.ts';
import { Neighbour } from './mailbox/neighbour.ts';
import { MailboxScene } from './mailbox/scene.ts';
import { largest, median } from './support/statistics.ts';
import { temporaryRoot } from './support/temporary-root.ts';

const ROUNDS = 5;
/** The mailbox is told of no file: it finds all by looking again this often. */
const RESCAN_MS = 1_000;
/** How much longer than an idle process the mailbox's event loop may stand still. */
const MOST_STALL_MS = 50;

interface Round {
  readonly stall: number;
  readonly idleStall: number;
  readonly unaccounted: number;
  readonly latencies: readonly number[];
}

/** What hostile files, and a watcher that sees nothing, do to a mailbox. */
export const hostile: Bench = {
  name: 'hostile',
  shows:
    'one of each hostile file lies in a group’s mailbox while another group drops a sound one each 20 ms, and no event tells of any',
  limitMs: 90_000,
  run: async (context) => {
    const { cleanup, signal, note } = context;
    const { paths } = await temporaryRoot(cleanup);
    const scene = await MailboxScene.open(paths, cleanup);
    const host = new ChildProgram(new URL('./mailbox/mailbox-host.ts', import.meta.url), [
      paths.root,
      `${RESCAN_MS}`,
    ]);
    cleanup.add(() => host.stop());
    const control = new ChildProgram(new URL('./mailbox/idle-control.ts', import.meta.url));
    cleanup.add(() => control.stop());
    await Promise.all([host.ready(), control.ready()]);
    const assault = new Assault(paths, 'flooder');

    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted();
      await Promise.all([host.forget(), control.forget()]);
      const neighbour = new Neighbour(scene);
      neighbour.start();
      try {
        await assault.begin();
        await assault.untilTaken(signal);
      } finally {
        neighbour.stop();
      }
      await scene.untilTaken(signal);
      const [stall, idleStall] = await Promise.all([host.longestStall(), control.longestStall()]);
      rounds.push({
        stall,
        idleStall,
        unaccounted: await assault.unaccounted(),
        latencies: neighbour.latencies(),
      });
    }
    note(
      `Links, a hard link, a pipe, a socket, directories, a mailbox that becomes a link, a gigabyte, an empty file, bad UTF-8, a megabyte of brackets, __proto__, names with line breaks. Every watcher’s events are suppressed; the mailbox looks by itself every ${RESCAN_MS} ms. A stall is the longest gap between two ticks of a 1 ms timer in a round.`,
    );
    return toRows(rounds);
  },
};

function toRows(rounds: readonly Round[]): readonly Row[] {
  const n = rounds.length;
  const latencies = rounds.flatMap((round) => round.latencies);
  const beyond = rounds.map(({ stall, idleStall }) => stall - idleStall);
  return [
    {
      label: 'hostile files neither in quarantine nor recorded',
      value: rounds.reduce((sum, { unaccounted }) => sum + unaccounted, 0),
      unit: 'files',
      n,
      limit: 0,
    },
    {
      label: 'longest way of a sound file, unseen, to its effect',
      value: largest(latencies),
      unit: 'ms',
      n: latencies.length,
    },
    {
      label: 'longest stall of the mailbox’s event loop, worst round',
      value: largest(rounds.map(({ stall }) => stall)),
      unit: 'ms',
      n,
    },
    {
      label: 'longest stall of an idle process beside it, worst round',
      value: largest(rounds.map(({ idleStall }) => idleStall)),
      unit: 'ms',
      n,
    },
    { label: 'stall beyond the idle process’s, median', value: median(beyond), unit: 'ms', n },
    {
      label: 'stall beyond the idle process’s, worst round',
      value: largest(beyond),
      unit: 'ms',
      n,
      limit: MOST_STALL_MS,
    },
  ];
}
