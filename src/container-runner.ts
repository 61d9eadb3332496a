import type { CONTAINER_HOME, SESSION_DIRECTORIES } from './protocol/layout.ts';

/** One for each of the session directories of the protocol, in their order: the compiler refuses any other list. */
type SessionMounts<Names extends readonly string[] = typeof SESSION_DIRECTORIES> = {
  readonly [Index in keyof Names]: {
    readonly hostPath: `${string}/${Names[Index]}`;
    readonly containerPath: `${typeof CONTAINER_HOME}/${Names[Index]}`;
    readonly readonly: false;
  };
};

/**
 * Where a container finds its group's agent sessions, each in the home of its user `node`. The guides’ scripts look for
 * these paths in this file; what else a container sees is in `agent/mounts.ts`.
 * @param sessions `data/sessions/<folder>` on the host
 */
export function sessionMounts(sessions: string): SessionMounts {
  return [
    // Claude sessions
    {
      hostPath: `${sessions}/.claude`,
      containerPath: '/home/node/.claude',
      readonly: false,
    },
    // Codex sessions
    {
      hostPath: `${sessions}/.codex`,
      containerPath: '/home/node/.codex',
      readonly: false,
    },
    // Kimi sessions
    {
      hostPath: `${sessions}/.kimi`,
      containerPath: '/home/node/.kimi',
      readonly: false,
    },
  ];
}
