import type { SpawnOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/**
 * The part of the Claude Agent SDK (0.3.329) that is used here. The SDK comes with the agent's program, in the image or
 * beside the runner; this package is built and tested without it.
 */

export interface SdkUserMessage {
  readonly type: 'user';
  readonly message: { readonly role: 'user'; readonly content: string };
  readonly parent_tool_use_id: null;
  /** Named again by the result that answers it. */
  readonly uuid: string;
  readonly session_id: string;
  /** Before whatever waits already. */
  readonly priority?: 'now';
  /** The text is taken as it stands: no slash commands, no mentions of files. */
  readonly client_composed?: true;
}

/** A tool server as the program sees it; the reason of a failure comes only when it is asked for. */
export interface SdkToolServer {
  readonly name: string;
  readonly status: string;
  readonly error?: string;
}

export interface SdkInitMessage {
  readonly type: 'system';
  readonly subtype: 'init';
  readonly session_id: string;
  readonly mcp_servers: readonly SdkToolServer[];
}

/** The program is about to try a request again. */
export interface SdkRetryMessage {
  readonly type: 'system';
  readonly subtype: 'api_retry';
  readonly attempt: number;
  readonly error_status: number | null;
  readonly error: string;
  /** Milliseconds until then. */
  readonly retry_delay_ms?: number;
}

/** How far the limits of a subscription are used up. */
export interface SdkRateLimitMessage {
  readonly type: 'rate_limit_event';
  readonly rate_limit_info: {
    readonly status: string;
    /** Seconds since the epoch. */
    readonly resetsAt?: number;
  };
}

export interface SdkAssistantMessage {
  readonly type: 'assistant';
  readonly uuid: string;
  /** Not null: a subagent's. */
  readonly parent_tool_use_id: string | null;
  /** Set: the program's own words about a failed request, not the model's. */
  readonly error?: string;
}

export interface SdkResultMessage {
  readonly type: 'result';
  readonly subtype: string;
  readonly is_error: boolean;
  readonly session_id: string;
  readonly result?: string;
  readonly errors?: readonly string[];
  readonly terminal_reason?: string;
  readonly api_error_status?: number | null;
  readonly api_error_type?: string;
  readonly api_error?: string;
  /** The user messages that it answers, those included that came while the agent worked. */
  readonly user_message_uuids?: readonly string[];
}

interface SdkOtherMessage {
  readonly type: 'user' | 'stream_event' | 'command_lifecycle';
}

interface SdkOtherSystemMessage {
  readonly type: 'system';
  readonly subtype: 'status' | 'compact_boundary' | 'task_started' | 'task_notification';
}

/** More kinds come than are named here; they are passed over. */
export type SdkMessage =
  | SdkInitMessage
  | SdkRetryMessage
  | SdkRateLimitMessage
  | SdkAssistantMessage
  | SdkResultMessage
  | SdkOtherMessage
  | SdkOtherSystemMessage;

export interface SdkQuery extends AsyncIterable<SdkMessage> {
  interrupt(): Promise<unknown>;
  mcpServerStatus(): Promise<readonly SdkToolServer[]>;
  /** Ends the program: end of its stdin, and two seconds later by force. */
  close(): void;
}

/** What the SDK asks to be started. */
export interface SdkSpawnOptions {
  readonly command: string;
  readonly args: string[];
  readonly cwd?: string;
  readonly env: NonNullable<SpawnOptions['env']>;
  readonly signal: AbortSignal;
}

/** What the SDK needs of a started program; Node's ChildProcess has it. */
export interface SdkProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly killed: boolean;
  readonly exitCode: number | null;
  kill(signal: NodeJS.Signals): boolean;
  on(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  once(event: 'error', listener: (error: Error) => void): void;
  off(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  off(event: 'error', listener: (error: Error) => void): void;
}

export interface PreCompactInput {
  readonly hook_event_name: 'PreCompact';
  readonly transcript_path: string;
}

export interface SdkOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly model?: string;
  readonly permissionMode: 'bypassPermissions';
  readonly allowDangerouslySkipPermissions: true;
  readonly settingSources: readonly ('project' | 'user')[];
  readonly disallowedTools: readonly string[];
  readonly resume?: string;
  readonly resumeSessionAt?: string;
  readonly mcpServers: Readonly<
    Record<
      string,
      {
        readonly type: 'stdio';
        readonly command: string;
        readonly args: readonly string[];
        readonly env: Readonly<Record<string, string>>;
        /** The first request waits for its tools, 30 seconds at most (MCP_TIMEOUT). */
        readonly alwaysLoad: true;
      }
    >
  >;
  /** By stdin, rather than on the command line for everybody to read. */
  readonly mcpServersDelivery: 'initialize';
  readonly systemPrompt: {
    readonly type: 'preset';
    readonly preset: 'claude_code';
    readonly append: string;
    readonly snapshot: false;
  };
  readonly hooks: {
    readonly PreCompact: readonly {
      readonly hooks: readonly ((input: PreCompactInput) => Promise<Record<string, never>>)[];
    }[];
  };
  readonly spawnClaudeCodeProcess?: (options: SdkSpawnOptions) => SdkProcess;
}

export type QueryFunction = (turn: {
  readonly prompt: AsyncIterable<SdkUserMessage>;
  readonly options: SdkOptions;
}) => SdkQuery;

/** A variable: neither the compiler nor the bundler is to look for what is not here. */
const SDK: string = '@anthropic-ai/claude-agent-sdk';

/** Loads the SDK that lies beside the runner. @throws the loader's error when there is none */
export async function loadQuery(): Promise<QueryFunction> {
  const { query } = (await import(SDK)) as { readonly query: QueryFunction };
  return query;
}
