import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const SECOND = 1_000;
const CORES = availableParallelism();
/** Where tests wait for hosts, servers and timers, another one can use the processors. */
const WITH_WAITS = CORES + 1;

/** The real Baileys client against the simulator, without the rest of the host. */
const WIRE = 'src/**/*.wire.test.ts';
/** A real sandbox, or other programs as processes of their own, without the rest of the host. */
const PROCESSES = '{src,container}/**/*.{sandbox,process}.test.ts';
const CONTAINER = '{container,test}/**/*.container.test.ts';

interface Project {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  /** Milliseconds for a test and for a hook: they only end what hangs. */
  readonly timeoutMs: number;
  /** Test files at once; absent: one a core. */
  readonly workers?: number;
  /** Runs once before the project's tests, after the set-up of all projects. */
  readonly setup?: string;
  /** A fresh process for each file; else the files of a worker share one. Absent: true. */
  readonly isolate?: boolean;
  /** Temporary files lie on a disk in memory, where there is one. */
  readonly inMemory?: boolean;
}

/** In the order in which they run. */
const PROJECTS: readonly Project[] = [
  {
    name: 'unit',
    include: [
      'src/**/*.test.ts',
      'container/agent-runner/**/*.test.ts',
      'bench/**/*.test.ts',
      'test/{checks,model-server,support}/**/*.test.ts',
    ],
    exclude: [WIRE, PROCESSES, CONTAINER],
    timeoutMs: 5 * SECOND,
    isolate: false,
    inMemory: true,
  },
  { name: 'e2e-smoke', include: ['test/e2e-smoke/**/*.test.ts'], timeoutMs: 60 * SECOND, isolate: false },
  {
    name: 'simulator',
    include: ['simulator/**/*.test.ts', 'test/foreign-server/**/*.test.ts'],
    timeoutMs: 60 * SECOND,
    workers: WITH_WAITS,
    setup: 'test/foreign-server/global-setup.ts',
    isolate: false,
  },
  // Apart from the simulator's own tests, whose client is Baileys without our changes of the process.
  { name: 'wire', include: [WIRE], timeoutMs: 60 * SECOND, workers: WITH_WAITS, isolate: false },
  { name: 'build-scripts', include: ['container/build.test.ts'], timeoutMs: 60 * SECOND },
  {
    name: 'e2e',
    include: ['test/e2e/**/*.test.ts', PROCESSES],
    timeoutMs: 60 * SECOND,
    workers: WITH_WAITS,
    isolate: false,
  },
  { name: 'soak', include: ['test/soak/**/*.test.ts'], timeoutMs: 300 * SECOND },
  { name: 'faults', include: ['test/faults/**/*.test.ts'], timeoutMs: 300 * SECOND },
  {
    name: 'containers',
    include: [CONTAINER],
    timeoutMs: 300 * SECOND,
    workers: WITH_WAITS,
    setup: 'test/containers/global-setup.ts',
  },
];

export default defineConfig({
  test: {
    reporters: ['./test/support/reporter.ts'],
    silent: 'passed-only',
    projects: PROJECTS.map(
      (
        { name, include, exclude = [], timeoutMs, workers = CORES, setup, isolate = true, inMemory = false },
        index,
      ) => ({
        test: {
          name,
          include: [...include],
          exclude: ['**/node_modules/**', ...exclude],
          globalSetup: ['test/support/global-setup.ts', ...(setup === undefined ? [] : [setup])],
          setupFiles: ['test/support/setup.ts'],
          testTimeout: timeoutMs,
          hookTimeout: timeoutMs,
          maxWorkers: workers,
          isolate,
          // A state that does not come is reported before the test's own timeout strikes.
          provide: { waitMs: 0.8 * timeoutMs, inMemory },
          expect: { poll: { timeout: 0.8 * timeoutMs } },
          sequence: { groupOrder: index },
        },
      }),
    ),
  },
});
