import { CONTAINER_HOME } from '../../protocol/layout.ts';
import { type EngineTarget, engineArguments } from './engine-arguments.ts';
import { LIMITS } from './limits.ts';
import type { SandboxSpec } from './runtime.ts';

/** What follows `docker run` on the command line. */
export function dockerArguments(spec: SandboxSpec, target: EngineTarget): string[] {
  const { uid, gid } = target.user;
  const owned = `rw,exec,nosuid,nodev,size=${LIMITS.tmpfs},uid=${uid},gid=${gid}`;
  return engineArguments(spec, target, {
    users: [],
    temporaryPlaces: [
      // Docker's tmpfs is noexec unless told otherwise, and agents run what they write.
      ...['--tmpfs', `/tmp:${owned},mode=1777`],
      ...['--tmpfs', `${CONTAINER_HOME}:${owned},mode=0755`],
    ],
    limits: [
      ...['--pids-limit', String(LIMITS.pids)],
      ...['--memory', LIMITS.memory],
      ...['--cpus', String(LIMITS.cpus)],
      ...['--ulimit', 'core=0'],
    ],
  });
}
