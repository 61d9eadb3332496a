import { intro, outro, spinner } from '@clack/prompts';
import { readArguments, USAGE, UsageError } from './arguments.ts';
import { Phone } from './phone.ts';
import { Screen } from './screen.ts';
import { runScript } from './script.ts';
import { World } from './world.ts';

/** `npm run demo`: the whole path on this machine, with no account. */

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** Ctrl-C, a service manager, and a terminal that is closed. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Rejects when a script takes too long or somebody asks for the end. */
function interruption(timeoutMs: number | undefined): { readonly promise: Promise<never>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  let onSignal: () => void = () => undefined;
  const promise = new Promise<never>((_, reject) => {
    onSignal = () => reject(new Error('Ended before everything was settled.'));
    for (const signal of ENDS) process.once(signal, onSignal);
    if (timeoutMs !== undefined) {
      timer = setTimeout(
        () => reject(new Error(`Not everything was settled within ${timeoutMs / 1_000} seconds.`)),
        timeoutMs,
      );
    }
  });
  promise.catch(() => undefined);
  return {
    promise,
    cancel: () => {
      clearTimeout(timer);
      for (const signal of ENDS) process.off(signal, onSignal);
    },
  };
}

async function script(lines: readonly string[], timeoutMs: number): Promise<void> {
  const stop = interruption(timeoutMs);
  const over = new AbortController();
  let world: World | undefined;
  try {
    world = await World.start(process.env.NANOCLAW_ROOT);
    const { host } = world;
    const sandbox = await Promise.race([host.ready(), stop.promise]);
    print(`Sandbox: ${sandbox}`);
    const said = runScript(world, lines, print, over.signal);
    // Once the race is lost it ends by the signal, and nobody waits for it.
    said.catch(() => undefined);
    await Promise.race([said, host.failure(), stop.promise]);
  } finally {
    over.abort();
    stop.cancel();
    await world?.close();
  }
}

async function chat(): Promise<void> {
  intro('NanoClaw: your assistant in WhatsApp, all of it on this machine');
  const progress = spinner();
  progress.start('A WhatsApp server starts on loopback, and the host links itself to your account');
  const stop = interruption(undefined);
  let world: World | undefined;
  try {
    world = await World.start(process.env.NANOCLAW_ROOT);
    const sandbox = await Promise.race([world.host.ready(), stop.promise]);
    progress.stop(`Linked by QR code. The agent runs in ${sandbox}`);
    await Promise.race([converse(world), world.host.failure(), stop.promise]);
  } catch (error) {
    progress.stop('It did not work');
    throw error;
  } finally {
    stop.cancel();
    const ending = spinner();
    ending.start('Ending');
    await world?.close();
    ending.stop('Ended, and cleaned up');
  }
  outro('Goodbye');
}

/** Until the person quits. */
async function converse(world: World): Promise<void> {
  let complete: (line: string) => string[] = () => [];
  const screen = new Screen(process.stdin, process.stdout, (line) => complete(line));
  const phone = new Phone(world, screen);
  complete = (line) => phone.complete(line);
  try {
    await phone.run();
  } finally {
    screen.close();
  }
}

async function demo(): Promise<void> {
  const { say, timeoutMs } = readArguments(process.argv.slice(2));
  if (say.length > 0) return script(say, timeoutMs);
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError(`Without a terminal, say what is to be said.\n\n${USAGE}`);
  return chat();
}

try {
  await demo();
} catch (error) {
  complain((error as Error).message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
