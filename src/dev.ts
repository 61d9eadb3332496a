import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { watch } from 'chokidar';
import { packageRoot, rootOf } from './config.ts';

/** `npm run dev`: the real thing, started again when the code or `.env` changes. */

/** Editors write several files at once; milliseconds to wait for the last one. */
const SETTLE_MS = 200;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** One host at a time, whatever happens while it starts or ends. */
class Dev {
  readonly #root = packageRoot();
  readonly #ended = new AbortController();
  #host: ChildProcess | undefined;
  /** Something changed since the host was started. */
  #changed = false;
  #onChange: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @returns the exit code */
  async run(): Promise<number> {
    const env = join(rootOf(process.env), '.env');
    const code = ['src', join('container', 'agent-runner', 'src')].map((folder) => join(this.#root, folder));
    const watcher = watch([...code, env], { ignoreInitial: true });
    watcher.on('all', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#restart(), SETTLE_MS);
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => this.#end(signal));
    try {
      return await this.#loop();
    } finally {
      clearTimeout(this.#timer);
      await watcher.close();
    }
  }

  async #loop(): Promise<number> {
    for (;;) {
      this.#changed = false;
      const exitCode = await this.#runOnce();
      if (this.#ended.signal.aborted) return exitCode ?? 0;
      if (this.#changed) continue;
      if (exitCode === 0 || !process.stdout.isTTY) return exitCode ?? 1;
      say('The assistant has ended. It starts again when the code or .env changes.');
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
      if (this.#ended.signal.aborted) return exitCode ?? 1;
    }
  }

  /** @returns the host's exit code; undefined when a signal ended it */
  async #runOnce(): Promise<number | undefined> {
    // The bundle inside the sandbox must not be yesterday's.
    const bundled = await this.#exitCode(['container/agent-runner/bundle.mjs']);
    if (bundled !== 0 || this.#changed || this.#ended.signal.aborted) return bundled;
    return this.#exitCode(['--import', 'tsx', 'src/cli.ts', 'start']);
  }

  async #exitCode(args: readonly string[]): Promise<number | undefined> {
    const child = spawn(process.execPath, [...args], { cwd: this.#root, stdio: 'inherit' });
    this.#host = child;
    const [code] = (await once(child, 'exit')) as [number | null];
    this.#host = undefined;
    return code ?? undefined;
  }

  #restart(): void {
    if (this.#changed || this.#ended.signal.aborted) return;
    say('Something changed, starting again.');
    this.#changed = true;
    this.#onChange();
    this.#host?.kill('SIGTERM');
  }

  #end(signal: NodeJS.Signals): void {
    this.#ended.abort();
    this.#onChange();
    // A terminal sends SIGINT and SIGHUP to the host as well; a service's SIGTERM must be passed on.
    if (signal === 'SIGTERM') this.#host?.kill(signal);
  }
}

process.exitCode = await new Dev().run();
