import { Pace } from '../../../src/delivery/pace.ts';
import { Outbox } from '../../../src/store/outbox.ts';
import { wrap } from './wrap.ts';

/** The longest pause before a message is sent again, in milliseconds. */
const MOST_PAUSE_MS = 300;

/** Takes out what makes the host wait for people's sake: hundreds of rounds have no time for it, and no promise rests on it. */
export function installHaste(): void {
  wrap(Pace.prototype, 'nextSend', () => 0);
  wrap(Outbox.prototype, 'requeue', (original, [seq, again]) => {
    const { notBefore, ...rest } = again as Parameters<Outbox['requeue']>[1];
    return original(seq, { ...rest, notBefore: Math.min(notBefore, Date.now() + MOST_PAUSE_MS) });
  });
}
