import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { watch } from 'chokidar';
import { packageRoot } from './config.ts';

/** `npm run dev`: the real thing, started again when the code or `.env` changes. */

/** Editors write several files at once; milliseconds to wait for the last one. */
const SETTLE_MS = 200;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function startHost(root: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'start'], { cwd: root, stdio: 'inherit' });
}

/** The bundle inside the sandbox must not be yesterday's. */
async function bundleRunner(root: string): Promise<boolean> {
  const bundler = spawn(process.execPath, ['container/agent-runner/bundle.mjs'], {
    cwd: root,
    stdio: 'inherit',
  });
  const [code] = await once(bundler, 'exit');
  return code === 0;
}

async function dev(): Promise<number> {
  const root = packageRoot();
  let child: ChildProcess | undefined;
  let restarting = false;
  let timer: NodeJS.Timeout | undefined;
  const signals = new AbortController();

  return new Promise((resolve) => {
    const watcher = watch(
      [
        join(root, 'src'),
        join(root, 'container', 'agent-runner', 'src'),
        join(process.env.NANOCLAW_ROOT || root, '.env'),
      ],
      { ignoreInitial: true },
    );
    const end = async (code: number): Promise<void> => {
      clearTimeout(timer);
      await watcher.close();
      resolve(code);
    };
    const start = async (): Promise<void> => {
      restarting = false;
      if (!(await bundleRunner(root))) return say('Waiting for a change that mends the agent runner.');
      child = startHost(root);
      const [code] = (await once(child, 'exit')) as [number | null];
      child = undefined;
      if (restarting) return void start();
      if (signals.signal.aborted || code === 0 || !process.stdout.isTTY) return void end(code ?? 1);
      say('The assistant has ended. It starts again when the code or .env changes.');
    };
    watcher.on('all', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (restarting || signals.signal.aborted) return;
        restarting = true;
        say('Something changed, starting again.');
        if (child === undefined) void start();
        else child.kill('SIGTERM');
      }, SETTLE_MS);
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        signals.abort();
        if (child === undefined) void end(0);
        // A terminal sends SIGINT to the child as well; a service's SIGTERM must be passed on.
        else if (signal === 'SIGTERM') child.kill(signal);
      });
    }
    void start();
  });
}

process.exitCode = await dev();
