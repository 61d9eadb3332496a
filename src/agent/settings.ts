/** What of the host's configuration a turn depends on. */
export interface AgentSettings {
  readonly assistantName: string;
  /** Milliseconds for one turn, unless the group has its own. */
  readonly timeoutMs: number;
  /** Milliseconds that a sandbox waits for follow-ups after its answer; 0: not at all. */
  readonly idleTimeoutMs: number;
  /** IANA name. */
  readonly timezone: string;
  /** `mount` hands the keys to the sandbox, `proxy` keeps them outside. */
  readonly credentialsMode: 'proxy' | 'mount';
  /** Variables for every run's `env-dir/env`. */
  readonly agentEnv?: Readonly<Record<string, string>> | undefined;
}
