import { meterStalls } from './stall-meter.ts';

/** A process that does nothing: what it feels is the machine's doing. It ends when its parent does. */

process.once('disconnect', () => process.exit());
meterStalls();
