import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where each file lives. `root` is the project's folder unless NANOCLAW_ROOT names another. */
export interface Paths {
  readonly root: string;
  readonly env: string;
  readonly groups: string;
  readonly data: string;
  readonly store: string;
  readonly logs: string;
  readonly database: string;
  readonly hostLock: string;
  readonly whatsappDatabase: string;
  /** Where NanoClaw v1 kept the account. */
  readonly v1Account: string;
  /** The versions of WhatsApp Web that were looked up and used. */
  readonly whatsappVersion: string;
  readonly log: string;
  readonly errorLog: string;
  /** What `pair --debug` writes, without secrets. */
  readonly pairingLog: string;
  /** A command that has changed the database replaces a file in it, for the host that runs. */
  readonly changed: string;
  readonly ipc: string;
  readonly ipcClaimed: string;
  readonly ipcErrors: string;
  /** Files that are to be sent, taken from agents. */
  readonly outgoing: string;
  readonly sessions: string;
  /** A view of the sessions for operators; nothing is taken from it but being emptied. */
  readonly sessionsFile: string;
  readonly attachments: string;
  /** Where attachments come in, before a sandbox may see them. */
  readonly attachmentsIncoming: string;
  readonly envDir: string;
  /** For manual commands only: the host never shows it to a sandbox. */
  readonly manualEnv: string;
  readonly runEnv: string;
  /** The copies of the project's top-level text files that main may read. */
  readonly projectView: string;
  readonly globalGroup: string;
  /** `~/.config/nanoclaw`: settings that no container may ever see. */
  readonly userConfig: string;
  readonly mountAllowlist: string;
  readonly senderAllowlist: string;
  group(folder: string): string;
  groupLogs(folder: string): string;
  groupIpc(folder: string): string;
  groupSessions(folder: string): string;
  groupAttachments(folder: string): string;
}

/**
 * @param root absolute path of the instance's root
 * @param home the user's home directory, for the settings outside the project
 */
export function pathsAt(root: string, home: string = homedir()): Paths {
  const groups = join(root, 'groups');
  const data = join(root, 'data');
  const store = join(root, 'store');
  const logs = join(root, 'logs');
  const ipc = join(data, 'ipc');
  const userConfig = join(home, '.config', 'nanoclaw');
  return {
    root,
    env: join(root, '.env'),
    groups,
    data,
    store,
    logs,
    database: join(store, 'messages.db'),
    hostLock: join(store, 'host.lock.db'),
    whatsappDatabase: join(store, 'whatsapp.db'),
    v1Account: join(store, 'auth'),
    whatsappVersion: join(store, 'whatsapp-version.json'),
    log: join(logs, 'nanoclaw.log'),
    errorLog: join(logs, 'nanoclaw.error.log'),
    pairingLog: join(logs, 'pairing.debug.log'),
    changed: join(data, 'changed'),
    ipc,
    ipcClaimed: join(data, 'ipc-claimed'),
    ipcErrors: join(data, 'ipc-errors'),
    outgoing: join(data, 'outgoing'),
    sessions: join(data, 'sessions'),
    sessionsFile: join(data, 'sessions.json'),
    attachments: join(data, 'attachments'),
    attachmentsIncoming: join(data, 'attachments-incoming'),
    envDir: join(data, 'env'),
    manualEnv: join(data, 'env', 'env'),
    runEnv: join(data, 'env', 'runs'),
    projectView: join(data, 'project-view'),
    globalGroup: join(groups, 'global'),
    userConfig,
    mountAllowlist: join(userConfig, 'mount-allowlist.json'),
    senderAllowlist: join(userConfig, 'sender-allowlist.json'),
    group: (folder) => join(groups, folder),
    groupLogs: (folder) => join(groups, folder, 'logs'),
    groupIpc: (folder) => join(ipc, folder),
    groupSessions: (folder) => join(data, 'sessions', folder),
    groupAttachments: (folder) => join(data, 'attachments', folder),
  };
}
