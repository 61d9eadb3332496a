import process from 'node:process';
import { installHaste } from './haste.ts';
import { Killer } from './killer.ts';
import type { Armed, KillOrder, ProbeSettings } from './orders.ts';
import { PLANTS } from './plants.ts';

/** Loaded into the host before the host itself (`--import`): kills it at a step, and plants faults. The host knows nothing of it. */

const { order, plant } = JSON.parse(process.env.FAULTS_PROBE ?? '{}') as ProbeSettings;
const killer = new Killer();
installHaste();
if (plant !== undefined) PLANTS[plant]();
killer.install();
if (order !== undefined) killer.obey(order);

process.on('message', (given: KillOrder) => {
  killer.obey(given);
  process.send?.({ armed: true } satisfies Armed);
});
// Whoever started this process has gone: nobody would end it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();
