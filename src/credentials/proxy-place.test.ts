import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../test/support/temporary.ts';
import { makeProxyPlace, proxyReach } from './proxy-place.ts';

it.each([
  ['bubblewrap', 'linux', false, 'unix'],
  ['plain-process', 'darwin', false, 'unix'],
  ['docker', 'linux', false, 'unix'],
  ['docker', 'linux', true, { bind: '127.0.0.1', host: 'host.docker.internal', comesLate: false }],
  ['docker', 'darwin', false, { bind: '127.0.0.1', host: 'host.docker.internal', comesLate: false }],
  ['podman', 'linux', false, 'unix'],
  ['podman', 'darwin', false, { bind: '127.0.0.1', host: 'host.containers.internal', comesLate: false }],
  ['container', 'darwin', false, { bind: '192.168.64.1', host: '192.168.64.1', comesLate: true }],
] as const)(
  '%s on %s (Docker Desktop: %s) reaches the host by %o',
  (kind, platform, isDockerDesktop, reach) => {
    expect(proxyReach({ kind, platform, isDockerDesktop })).toEqual(reach);
  },
);

it('a place has a directory only where sockets cross', async () => {
  const socket = {
    installId: 'x',
    owner: undefined,
    hostUid: process.getuid?.() ?? 0,
    runtimeDirectory: temporaryDirectory(),
  };
  const place = await makeProxyPlace({ kind: 'docker', platform: 'linux' }, socket);
  expect(place).toEqual({ kind: 'unix', directory: expect.any(String), owner: undefined });
  expect(place.kind === 'unix' && (await stat(place.directory)).isDirectory()).toBe(true);
  expect(await makeProxyPlace({ kind: 'docker', platform: 'darwin' }, socket)).toEqual({
    kind: 'tcp',
    bind: '127.0.0.1',
    host: 'host.docker.internal',
  });
});

it.each([
  [undefined, '192.168.64.1', false],
  ['127.0.0.1', '127.0.0.1', true],
  ['192.0.2.1', '192.0.2.1', false],
])('Apple’s gateway %s is an address that may not exist yet', async (gateway, address, isThere) => {
  const socket = { installId: 'x', owner: undefined, hostUid: 0, runtimeDirectory: undefined };
  const place = await makeProxyPlace({ kind: 'container', platform: 'darwin', gateway }, socket);
  expect(place).toEqual({ kind: 'tcp', bind: address, host: address, isThere: expect.any(Function) });
  expect(place.kind === 'tcp' && place.isThere?.()).toBe(isThere);
});
