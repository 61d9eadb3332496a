import type { CommandResult } from './command.ts';
import { buildCommand, ImageMissingError } from './image-error.ts';
import type { StartFailure } from './runtime.ts';

/** `run` itself failed, the command could not be invoked, it was not found: see docker-run(1) and podman-run(1), exit status. */
const ENGINE_FAILED = 125;
const NOT_INVOKED = [126, 127];
const NO_IMAGE =
  /pull access denied|no such image|unable to find image|repository does not exist|image not known/i;

/** How a container program words its own failures. */
export interface EngineWords {
  readonly program: 'docker' | 'podman';
  /** What people call it. */
  readonly title: string;
  /** The engine behind the program cannot be reached. */
  readonly noEngine: RegExp;
  /** Its other failures that have a cure. */
  readonly cures: readonly { readonly failure: RegExp; readonly cure: string }[];
}

/**
 * Reads an engine's own failures from its program's exit code and words.
 * @returns undefined when the agent itself ended so
 */
export function engineStartFailure(
  words: EngineWords,
  image: string,
  exitCode: number | undefined,
  stderr: string,
): StartFailure | undefined {
  if (exitCode === undefined || (exitCode !== ENGINE_FAILED && !NOT_INVOKED.includes(exitCode)))
    return undefined;
  if (NO_IMAGE.test(stderr))
    return { error: new ImageMissingError(image, words.program).message, retryable: false };
  if (words.noEngine.test(stderr))
    return { error: `${words.title}'s engine does not answer: ${firstLine(stderr)}`, retryable: true };
  const cure =
    exitCode === ENGINE_FAILED
      ? cureFor(words, stderr)
      : `Is ${image} the agent's image? Build it: ${buildCommand(words.program)}`;
  const error = `${words.title} could not start the container: ${firstLine(stderr)}`;
  return { error: cure === undefined ? error : `${error}. ${cure}`, retryable: false };
}

/** The cure of a failure that is known; undefined: not known. */
export function cureFor({ cures }: EngineWords, stderr: string): string | undefined {
  return cures.find(({ failure }) => failure.test(stderr))?.cure;
}

export function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

/** Why a command failed, never empty. */
export function reasonOf({ code, stderr }: CommandResult): string {
  return firstLine(stderr) || `exit code ${code}`;
}
