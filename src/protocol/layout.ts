/** Where things lie inside the sandbox. Every runtime shows the agent these paths; only the root may differ. */
export interface Layout {
  readonly root: string;
  /** The group's folder: the agent's working directory. */
  readonly group: string;
  /** The group's run logs, read-only. */
  readonly groupLogs: string;
  /** Memory shared by all groups; writable for the main channel only. */
  readonly global: string;
  /** The allowlisted view of the project; main channel only. */
  readonly project: string;
  readonly envDir: string;
  readonly ipc: string;
  readonly messages: string;
  readonly tasks: string;
  readonly input: string;
  readonly files: string;
  readonly results: string;
  readonly currentTasks: string;
  readonly availableGroups: string;
  readonly attachments: string;
  readonly extra: string;
  /** The directory of the socket to the keys' proxy. */
  readonly credentials: string;
  readonly home: string;
}

/** The directory of a group's sessions that each agent program keeps below HOME. */
export const SESSION_DIRECTORIES = ['.claude', '.codex', '.kimi'] as const;

/** The directories below a group's IPC folder that the container may write, each a mount of its own. */
export const WRITABLE_IPC_DIRECTORIES = ['messages', 'tasks', 'input', 'files'] as const;

/** Names below `data/ipc` that the system uses itself: no group's folder may be called so. */
export const RESERVED_FOLDERS = [
  'messages',
  'tasks',
  'input',
  'files',
  'results',
  'errors',
  'global',
] as const;

const SAFE_FOLDER = /^[a-z0-9][a-z0-9_-]{0,63}$/i;

/** Whether a group's folder may be called so: an operator may have written any name into the database or below `data/ipc`. */
export function isFolderName(folder: string): boolean {
  const reserved: readonly string[] = RESERVED_FOLDERS;
  return SAFE_FOLDER.test(folder) && !reserved.includes(folder.toLowerCase());
}

/** The sentinel file in `input/` that asks the agent to finish. */
export const CLOSE_SENTINEL = '_close';

/** The sentinel file in `input/` that tells the agent that time is nearly up: to answer with what there is. */
export const WRAP_UP_SENTINEL = '_wrap_up';

export const WORKSPACE_ROOT = '/workspace';
export const CONTAINER_HOME = '/home/node';

/**
 * The layout below a workspace root.
 * @param root `/workspace` in a container; a temporary directory where the agent runs as a plain process
 * @param home HOME of the agent's user
 */
export function layoutAt(root: string = WORKSPACE_ROOT, home: string = CONTAINER_HOME): Layout {
  const ipc = `${root}/ipc`;
  return {
    root,
    group: `${root}/group`,
    groupLogs: `${root}/group/logs`,
    global: `${root}/global`,
    project: `${root}/project`,
    envDir: `${root}/env-dir`,
    ipc,
    messages: `${ipc}/messages`,
    tasks: `${ipc}/tasks`,
    input: `${ipc}/input`,
    files: `${ipc}/files`,
    results: `${ipc}/results`,
    currentTasks: `${ipc}/current_tasks.json`,
    availableGroups: `${ipc}/available_groups.json`,
    attachments: `${root}/attachments`,
    extra: `${root}/extra`,
    credentials: `${root}/credentials`,
    home,
  };
}
