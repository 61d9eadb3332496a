import type { LineState } from './channel/channel.ts';
import { systemClock } from './clock.ts';
import type { BaseConfig } from './config.ts';
import { openInstance } from './instance.ts';
import { wireLine } from './line.ts';
import type { Log } from './log.ts';

export interface PairOptions {
  readonly config: BaseConfig;
  readonly log: Log;
  readonly onLine: (state: LineState) => void;
  readonly keepOfferingQr: boolean;
}

/**
 * Links this machine to a WhatsApp account and greets its owner; no agent is needed for it.
 * What arrives meanwhile is stored and answered by the next start.
 * @returns how the line ended up: `open` when it is linked, else `stopped` with what the owner must do
 * @throws HostLockError, DatabaseError, the credentials' errors
 */
export async function pair({ config, log, onLine, keepOfferingQr }: PairOptions): Promise<LineState> {
  const { paths, store, close } = await openInstance(config, log);
  try {
    let settle: (state: LineState) => void = () => undefined;
    const ended = new Promise<LineState>((resolve) => {
      settle = resolve;
    });
    const { channel, delivery, reception } = wireLine({
      config,
      paths,
      store,
      clock: systemClock,
      log,
      keepOfferingQr,
      onLine: (state) => {
        onLine(state);
        if (state.status === 'open' || state.status === 'stopped') settle(state);
      },
    });
    await channel.start();
    const state = await ended;
    // The hello leaves before the line is closed.
    await delivery.stop();
    await channel.stop();
    reception.stop();
    return state;
  } finally {
    close();
  }
}
