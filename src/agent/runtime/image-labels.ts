import { z } from 'zod';
import { PROVIDERS, type Provider } from '../../protocol/provider.ts';
import { ImageLacksAgentError, type ImageProgram } from './image-error.ts';

const SOURCE = 'nanoclaw.source';
const AGENTS = 'nanoclaw.providers';

/** What `container/build.sh` writes on the image; another project's image has none of it. */
export interface ImageLabels {
  /** What it was built from. */
  readonly source: string | undefined;
  /** The agents that it holds beside the built-in one; undefined: it does not say. */
  readonly agents: readonly Provider[] | undefined;
}

const Labels = z.record(z.string(), z.string());

/** @param json an object of all labels, or anything else where there are none */
export function readImageLabels(json: string): ImageLabels {
  let labels: Readonly<Record<string, string>>;
  try {
    labels = Labels.parse(JSON.parse(json));
  } catch {
    return { source: undefined, agents: undefined };
  }
  const source = labels[SOURCE];
  const agents = labels[AGENTS]?.split(',').map((name) => name.trim());
  return {
    source: source !== undefined && /^[\w.-]+$/.test(source) ? source : undefined,
    agents: agents && PROVIDERS.filter((provider) => agents.includes(provider)),
  };
}

/**
 * Makes sure that an image holds the agent that is set: without its program every turn would fail.
 * @throws ImageLacksAgentError
 */
export function checkHolds(
  { image, program, provider }: { image: string; program: ImageProgram; provider: Provider },
  { agents }: ImageLabels,
): void {
  // The offline agent is part of the runner.
  if (provider === 'offline' || agents === undefined || agents.includes(provider)) return;
  throw new ImageLacksAgentError(image, program, provider, agents);
}
