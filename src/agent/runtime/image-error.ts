import type { Provider } from '../../protocol/provider.ts';
import { RuntimeError } from './runtime.ts';

/** A program that keeps images. */
export type ImageProgram = 'docker' | 'podman' | 'container';

/** No sandbox can be made of the image that is set; the text names the commands that make it fit. */
export abstract class ImageError extends RuntimeError {}

/** The agent's image was not built or fetched, or something has removed it since. */
export class ImageMissingError extends ImageError {
  override readonly name = 'ImageMissingError';

  constructor(image: string, program: ImageProgram) {
    const build = buildCommand(program);
    const fetch = pullCommand(program, image);
    super(
      isFromRegistry(image)
        ? `There is no image ${image} on this machine, and the host fetches none by itself. Fetch it: ${fetch}. Or build it: ${build}. ${removal('fetch it again')}`
        : `There is no image ${image}. Build it: ${build}. ${removal(`push it to a registry, set CONTAINER_IMAGE to its name there, and fetch it whenever it is gone: ${pullCommand(program, 'NAME')}`)}`,
    );
  }
}

/** The image was built without the agent that is set. */
export class ImageLacksAgentError extends ImageError {
  override readonly name = 'ImageLacksAgentError';

  /** @param agents those that it holds */
  constructor(image: string, program: ImageProgram, provider: Provider, agents: readonly Provider[]) {
    const held = agents.length === 0 ? 'it holds none' : `it holds ${agents.join(', ')}`;
    const wanted = [...agents, provider].join(',');
    super(
      `The image ${image} was built without the agent "${provider}" (${held}). Build it anew: AGENT_PROVIDERS=${wanted} ${buildCommand(program)}`,
    );
  }
}

const removal = (cure: string): string =>
  `If it was there and is gone: Kubernetes (in Rancher Desktop or Docker Desktop) removes images that no container uses, often overnight. Turn Kubernetes off, or ${cure}`;

/** The command that makes the image, whichever programs are installed beside this one. */
export function buildCommand(program: ImageProgram): string {
  // build.sh takes Docker first.
  return program === 'docker' ? 'container/build.sh' : `container/build.sh --runtime ${program}`;
}

function pullCommand(program: ImageProgram, image: string): string {
  return program === 'container' ? `container image pull ${image}` : `${program} pull ${image}`;
}

/** Whether the name says where the image is to be had: a host or an owner stands before it. */
function isFromRegistry(image: string): boolean {
  // `localhost/` is how Podman names what it built itself.
  return /^(?!localhost\/)[^/]+\//.test(image);
}
