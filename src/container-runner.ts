/**
 * Where a container finds its group's agent sessions, each in the home of its user `node`. The guides’ scripts look for
 * these paths in this file; what else a container sees is in `agent/mounts.ts`.
 * @param sessions `data/sessions/<folder>` on the host
 */
export function sessionMounts(sessions: string) {
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
  ] as const;
}
