import { HostProcess } from '../../simulator/demo/host-process.ts';
import { Simulator } from '../../simulator/simulator.ts';
import type { Paths } from '../../src/paths.ts';
import type { BenchContext } from '../bench.ts';
import { temporaryRoot } from './temporary-root.ts';

/** The real host as a child process, linked to an account of a WhatsApp server on loopback. */
export interface LinkedHost {
  readonly simulator: Simulator;
  readonly host: HostProcess;
  readonly paths: Paths;
  /** What the agent runs in, in the host's words. */
  readonly sandbox: string;
}

export interface LinkedHostOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Makes the root ready before the host starts. */
  readonly prepare?: (paths: Paths) => void;
}

const GREETING_TIMEOUT_MS = 30_000;

/** Resolves when the host is paired, ready and has greeted its owner. */
export async function startLinkedHost(
  { cleanup, signal }: BenchContext,
  { env = {}, prepare }: LinkedHostOptions = {},
): Promise<LinkedHost> {
  const { paths, home } = await temporaryRoot(cleanup);
  prepare?.(paths);
  const simulator = await Simulator.start({ owner: { name: 'Ann' } });
  cleanup.add(() => simulator.close());
  signal.throwIfAborted();
  const host = new HostProcess({
    root: paths.root,
    whatsappUrl: simulator.url,
    rootKey: simulator.rootKey,
    mediaCertificate: await simulator.writeMediaCertificate(),
    // A QR that was replaced while the phone looked at it is no fault: the next one follows.
    onQr: (qr) => void simulator.scanQr(qr).catch(() => undefined),
    env: { HOME: home, TIMEZONE: 'UTC', ...env },
  });
  cleanup.add(() => host.stop());
  const sandbox = await host.ready();
  const greeted = simulator.waitFor(({ byDevice }) => byDevice, { timeoutMs: GREETING_TIMEOUT_MS });
  await Promise.race([greeted, host.failure()]);
  return { simulator, host, paths, sandbox };
}
