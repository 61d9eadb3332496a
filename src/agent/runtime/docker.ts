import { dockerArguments } from './docker-arguments.ts';
import type { EngineDialect } from './engine.ts';
import { reasonOf } from './engine-failure.ts';
import { RuntimeUnavailableError } from './runtime.ts';

/** Docker, by its own program. Its engine may run as root or in a virtual machine. */
export const DOCKER: EngineDialect = {
  kind: 'docker',
  program: 'docker',
  title: 'Docker',
  installation: 'See https://docs.docker.com/engine/install/',
  clientVariables: /^(?:PATH|HOME|USER|LANG|TMPDIR|XDG_.*|DOCKER_.*|SSH_AUTH_SOCK)$/,
  noEngine: /cannot connect to the docker daemon|is the docker daemon running|error during connect/i,
  cures: [],
  removal: ['rm', '--force'],
  meet: async (query) => {
    const version = await query(['version', '--format', '{{.Server.Version}}\t{{.Server.Platform.Name}}']);
    if (version.code !== 0) {
      throw new RuntimeUnavailableError(
        `Docker's engine does not answer: ${reasonOf(version)}. Start it, and make sure that this user may use it`,
      );
    }
    const [number = '', platform = ''] = version.stdout.trim().split('\t');
    return {
      version: number,
      isDockerDesktop: platform.startsWith('Docker Desktop'),
      mapsUsers: false,
      shortcomings: [],
      containerArguments: dockerArguments,
    };
  },
};
