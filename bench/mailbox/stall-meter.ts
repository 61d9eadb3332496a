import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What the process that measures asks a child, and what the child answers. */
export type Question = 'forget' | 'longest stall' | 'memory';
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'longest stall'; readonly ms: number }
  | { readonly kind: 'memory'; readonly nowMib: number; readonly peakMib: number };

const NANOSECONDS_PER_MS = 1e6;
const MIB = 2 ** 20;
const KIB_PER_MIB = 2 ** 10;

/** Measures this process's event loop and answers its parent; tells the parent that the process is ready. */
export function meterStalls(): void {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const tell = (answer: Answer): void => void process.send?.(answer);
  process.on('message', (question: Question) => {
    if (question === 'forget') {
      delays.reset();
      tell({ kind: 'forgotten' });
    } else if (question === 'memory') {
      const peakMib = process.resourceUsage().maxRSS / KIB_PER_MIB;
      tell({ kind: 'memory', nowMib: process.memoryUsage.rss() / MIB, peakMib });
    } else {
      tell({ kind: 'longest stall', ms: delays.max / NANOSECONDS_PER_MS });
    }
  });
  tell({ kind: 'ready' });
}
