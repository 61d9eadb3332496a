import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { systemClock } from '../../src/clock.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { blindWatch } from '../../src/mailbox/testing/blind-watcher.ts';
import { pathsAt } from '../../src/paths.ts';
import { Snapshots } from '../../src/snapshots/snapshots.ts';
import { openStore } from '../../src/store/store.ts';
import { DEFAULT_TIMINGS } from '../../src/timings.ts';
import { meterStalls } from './stall-meter.ts';

/**
 * The mailbox and the store of a host, and nothing else of it. Its root is the argument; it ends when its parent does. With a second argument no
 * event tells it of files: it looks by itself each so many milliseconds.
 */

const [root, rescanMs] = process.argv.slice(2);
if (root === undefined) throw new Error('the root is missing');
const paths = pathsAt(root);
const store = openStore(paths.database);
const mailbox = new Mailbox({
  store,
  paths,
  snapshots: new Snapshots(store, paths),
  syncGroups: async () => 0,
  clock: systemClock,
  newId: uuidv7,
  log: pino({ level: 'error' }, process.stderr),
  timezone: 'UTC',
  timings: { ...DEFAULT_TIMINGS, ...(rescanMs !== undefined && { mailboxRescanMs: Number(rescanMs) }) },
  ...(rescanMs !== undefined && { watch: blindWatch() }),
});
process.once('disconnect', async () => {
  await mailbox.stop();
  store.close();
  process.exit();
});
await mailbox.start();
meterStalls();
