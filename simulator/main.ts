import { BadPerson } from './accounts/person.ts';
import { readOptions, USAGE } from './options.ts';
import { Simulator, type SimulatorOptions } from './simulator.ts';

const FAILED = 1;
const WRONG_USAGE = 2;

async function run(options: SimulatorOptions): Promise<void> {
  const simulator = await Simulator.start(options);
  // Before the first line is out: whoever reads it may send a signal at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
  const { url, controlUrl, rootKey } = simulator;
  const mediaCertificate = await simulator.writeMediaCertificate();
  process.stdout.write(`${JSON.stringify({ url, controlUrl, rootKey, mediaCertificate })}\n`);
  await simulator.closed;
}

function fail(error: unknown, exitCode: number): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCode;
}

function main(): void {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === 'help') process.stdout.write(USAGE);
    else run(options).catch((error) => fail(error, error instanceof BadPerson ? WRONG_USAGE : FAILED));
  } catch (error) {
    fail(error, WRONG_USAGE);
  }
}

main();
