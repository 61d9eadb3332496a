import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;
const QUOTED = /^(["'])(.*)\1$/;

/** Parses `NAME=value` lines; comments and what is no assignment are passed over. */
export function parseEnv(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const assignment = ASSIGNMENT.exec(line);
    if (assignment === null) continue;
    const [, name = '', raw = ''] = assignment;
    variables[name] = QUOTED.exec(raw.trim())?.[2] ?? raw.trim();
  }
  return variables;
}

/**
 * The variables that the host gave this run in `env-dir/env`; none where there is no such file. Read at once: nothing else can be
 * done before.
 */
export function readEnvDir(envDir: string): Record<string, string> {
  try {
    return parseEnv(readFileSync(join(envDir, 'env'), 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      process.stderr.write(`env-dir cannot be read: ${(error as Error).message}\n`);
    }
    return {};
  }
}
