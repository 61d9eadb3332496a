import { Simulator, type SimulatorOptions } from '../simulator.ts';
import { PlainClient } from './plain-client.ts';
import { trustRoot } from './trust-root.ts';

const STEP_MS = 10;
/** Long enough for a machine that does other things too. */
const PATIENCE_MS = 40_000;

/** A simulator and a client that trusts it. */
export class Rig {
  readonly simulator: Simulator;
  readonly client: PlainClient;
  readonly #distrust: () => void;

  constructor(simulator: Simulator) {
    this.simulator = simulator;
    this.#distrust = trustRoot(simulator.rootKey);
    this.client = new PlainClient(simulator.url);
  }

  /** Links the client; resolves when it was told to restart. */
  async pair(): Promise<void> {
    const qr = await this.client.showQr();
    const closed = this.client.closed();
    await this.simulator.scanQr(qr);
    await closed;
  }

  /** Links the client and logs it in. */
  async pairAndOpen(): Promise<void> {
    await this.pair();
    await this.client.open();
  }

  /** Resolves when the condition holds, for what has no event. Rejects when it does not in time. */
  async eventually(condition: () => boolean): Promise<void> {
    for (let waited = 0; !condition(); waited += STEP_MS) {
      if (waited > PATIENCE_MS) throw new Error(`Not within ${PATIENCE_MS} ms: ${condition.toString()}`);
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
  }

  async close(): Promise<void> {
    await this.client.end();
    await this.simulator.close();
    this.#distrust();
  }
}

/** The service as it was when Baileys 7.0.0-rc14 was made: plain-client.test.ts shows what the client fails at today. */
export const AS_BEFORE = { secretRefresh: 'never', recipients: 'any' } as const;

/** Starts a simulator and makes a client for it. */
export async function startRig({ rules, ...options }: SimulatorOptions = {}): Promise<Rig> {
  return new Rig(await Simulator.start({ ...options, rules: { ...AS_BEFORE, ...rules } }));
}
