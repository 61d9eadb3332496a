import type { PlantName } from './plants.ts';
import type { PointName } from './points.ts';

/**
 * `before`: nothing of the call has happened; `inside`: it has, and its transaction is not committed; `after`: it is. For a call
 * outside a transaction `inside` is `after`.
 */
export type Moment = 'before' | 'inside' | 'after';

/** Where the host kills itself. */
export interface KillOrder {
  readonly point: PointName;
  readonly moment: Moment;
  /** At which call, counted from the order, 1 the first. */
  readonly nth: number;
}

/** What the probe is told when the host starts, as JSON in FAULTS_PROBE. */
export interface ProbeSettings {
  readonly order?: KillOrder | undefined;
  readonly plant?: PlantName | undefined;
}

/** What the probe answers to an order that comes while the host runs. */
export interface Armed {
  readonly armed: true;
}
