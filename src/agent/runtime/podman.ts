import { z } from 'zod';
import type { EngineDialect } from './engine.ts';
import { cureFor, reasonOf } from './engine-failure.ts';
import { type PodmanSystem, podmanArguments } from './podman-arguments.ts';
import { RuntimeUnavailableError } from './runtime.ts';

/** The first version whose `keep-id` takes the uid inside. */
const OLDEST_ROOTLESS = [4, 3] as const;

const LIMITED = { pids: 'the number of processes', memory: 'memory', cpu: 'the processor' } as const;

/** Of `podman info --format json`, what is used. */
const Info = z.object({
  host: z.object({
    security: z.object({ rootless: z.boolean() }),
    cgroupControllers: z.array(z.string()).nullish(),
  }),
  version: z.object({ Version: z.string() }),
});

/** Podman, rootful or rootless, by its own program. */
export const PODMAN: EngineDialect = {
  kind: 'podman',
  program: 'podman',
  title: 'Podman',
  installation: 'On Debian and Ubuntu: apt-get install podman uidmap catatonit',
  // Rootless, it reaches the user's systemd for control groups by the session's bus.
  clientVariables:
    /^(?:PATH|HOME|USER|LANG|TMPDIR|XDG_.*|CONTAINERS_.*|CONTAINER_(?:HOST|CONNECTION|SSHKEY)|STORAGE_.*|DBUS_SESSION_BUS_ADDRESS|SSH_AUTH_SOCK)$/,
  noEngine: /(?:cannot|unable to) connect to podman/i,
  cures: [
    {
      failure: /container-init binary not found|catatonit/i,
      cure: 'Its --init needs catatonit. On Debian and Ubuntu: apt-get install catatonit',
    },
    {
      failure: /OCI runtime "?\w+"? not found/i,
      cure: 'It needs crun or runc. On Debian and Ubuntu: apt-get install crun',
    },
    {
      failure: /newuidmap|newgidmap|subuid|insufficient UIDs/i,
      cure: 'Rootless it needs a range of user ids: apt-get install uidmap, then usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER and podman system migrate',
    },
  ],
  // Without --time it waits ten seconds for the agent.
  removal: ['rm', '--force', '--time', '0'],
  meet: async (query) => {
    const info = await query(['info', '--format', 'json']);
    if (info.code !== 0) {
      const cure =
        cureFor(PODMAN, info.stderr) ?? 'Make sure that "podman info" works (on a Mac: podman machine start)';
      throw new RuntimeUnavailableError(`Podman does not work here: ${reasonOf(info)}. ${cure}`);
    }
    const system = readSystem(info.stdout);
    if (system.rootless && isOlder(system.version, OLDEST_ROOTLESS)) {
      throw new RuntimeUnavailableError(
        `Podman ${system.version} is too old to run without root. Install ${OLDEST_ROOTLESS.join('.')} or newer, or use Docker or bubblewrap`,
      );
    }
    const unlimited = Object.entries(LIMITED).flatMap(([controller, what]) =>
      system.controllers.includes(controller) ? [] : [what],
    );
    return {
      version: `${system.version}${system.rootless ? ' rootless' : ''}`,
      mapsUsers: system.rootless,
      shortcomings:
        unlimited.length === 0
          ? []
          : [
              {
                what: `Podman cannot limit ${unlimited.join(', ')} here: no control groups are delegated to this user`,
                cure: 'With systemd: systemctl edit user@.service, and [Service] Delegate=cpu cpuset io memory pids',
              },
            ],
      containerArguments: (spec, target) => podmanArguments(spec, target, system),
    };
  },
  rehearse: async (query, create) => {
    const created = await query(['create', ...create]);
    if (created.code === 0) {
      await query(['rm', '--force', '--time', '0', created.stdout.trim().split('\n').at(-1) ?? '']);
      return;
    }
    const cure = cureFor(PODMAN, created.stderr);
    throw new RuntimeUnavailableError(
      `Podman cannot make a container here: ${reasonOf(created)}${cure === undefined ? '' : `. ${cure}`}`,
    );
  },
};

function readSystem(json: string): PodmanSystem {
  let info: z.infer<typeof Info>;
  try {
    info = Info.parse(JSON.parse(json));
  } catch (error) {
    throw new RuntimeUnavailableError(
      `Podman's "podman info --format json" cannot be read: ${(error as Error).message}. Install Podman 4.3 or newer`,
    );
  }
  return {
    version: info.version.Version,
    rootless: info.host.security.rootless,
    controllers: info.host.cgroupControllers ?? [],
  };
}

/** Compares by major and minor number. */
function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [found = 0, foundMinor = 0] = version.split('.').map(Number);
  return found < major || (found === major && foundMinor < minor);
}
