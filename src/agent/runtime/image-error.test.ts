import { describe, expect, it } from 'vitest';
import { ImageMissingError } from './image-error.ts';

describe('the error about a missing image', () => {
  it.each([
    ['docker', 'container/build.sh', 'docker pull NAME'],
    ['podman', 'container/build.sh --runtime podman', 'podman pull NAME'],
    ['container', 'container/build.sh --runtime container', 'container image pull NAME'],
  ] as const)(
    'names the command that builds it for %s, and the one that pulls it from a registry',
    (program, build, fetch) => {
      const { message } = new ImageMissingError('nanoclaw-agent:latest', program);
      expect(message).toContain(`There is no image nanoclaw-agent:latest. Build it: ${build}. `);
      expect(message).toContain('Turn Kubernetes off, or push it to a registry, set CONTAINER_IMAGE');
      expect(message).toMatch(new RegExp(`whenever it is gone: ${fetch}$`));
    },
  );

  it.each([
    ['docker', 'registry.example/ann/agent:1', 'docker pull registry.example/ann/agent:1'],
    ['docker', 'ann/agent', 'docker pull ann/agent'],
    ['podman', 'registry.example:5000/agent', 'podman pull registry.example:5000/agent'],
    ['container', 'registry.example/ann/agent:1', 'container image pull registry.example/ann/agent:1'],
  ] as const)(
    'names for %s the command that pulls %s: no image is pulled unasked',
    (program, image, fetch) => {
      const { message } = new ImageMissingError(image, program);
      expect(message).toContain(`the host fetches none by itself. Fetch it: ${fetch}. Or build it: `);
      expect(message).toContain('Turn Kubernetes off, or fetch it again');
    },
  );

  it('names no registry for an image that Podman built itself', () => {
    expect(new ImageMissingError('localhost/agent', 'podman').message).toMatch(
      /^There is no image \S+\. Build/,
    );
  });
});
