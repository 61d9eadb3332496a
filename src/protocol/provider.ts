export const PROVIDERS = ['claude', 'codex', 'kimi', 'offline'] as const;

/** An agent's name. Apart from turn.ts, whose schemas a sandbox's start must not wait for. */
export type Provider = (typeof PROVIDERS)[number];

/** Whether a name is an agent's. */
export function isProvider(name: string): name is Provider {
  return PROVIDERS.some((provider) => provider === name);
}
