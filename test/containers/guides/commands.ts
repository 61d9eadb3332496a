/**
 * The commands by which operators were taught to look into the image, as the guides print them: for Docker, and those for
 * Apple's container in Docker's syntax. The quick diagnostic scripts stand beside this file, word by word.
 */

/** Copies the keys to where the manual commands mount them from. */
export const SET_UP = `mkdir -p data/env groups/test
cp .env data/env/env`;

/** The test query of the guides that mount with `-v …:ro`. */
export const QUERY = `echo '{"prompt":"What is 2+2?","groupFolder":"test","chatJid":"test@g.us","isMain":false}' | \\
  docker run -i \\
  -v $(pwd)/data/env:/workspace/env-dir:ro \\
  -v $(pwd)/groups/test:/workspace/group \\
  -v $(pwd)/data/ipc:/workspace/ipc \\
  nanoclaw-agent:latest`;

/** The test query of the guide for Apple's container. */
export const QUERY_BY_MOUNT = `echo '{"prompt":"What is 2+2?","groupFolder":"test","chatJid":"test@g.us","isMain":false}' | \\
  docker run -i \\
  --mount "type=bind,source=$(pwd)/data/env,target=/workspace/env-dir,readonly" \\
  -v $(pwd)/groups/test:/workspace/group \\
  -v $(pwd)/data/ipc:/workspace/ipc \\
  nanoclaw-agent:latest`;

/** Whether a key of the turn itself reaches Kimi. */
export const QUERY_WITH_SECRET = `echo '{"prompt":"test","groupFolder":"test","chatJid":"test@g.us","isMain":false,"secrets":{"KIMI_API_KEY":"your-key"}}' | \\
  docker run -i --rm nanoclaw-agent:latest 2>&1 | head -5`;

export const CLAUDE_KEYS = `echo '{}' | docker run -i \\
  -v $(pwd)/data/env:/workspace/env-dir:ro \\
  --entrypoint /bin/bash nanoclaw-agent:latest \\
  -c 'export $(cat /workspace/env-dir/env | xargs); echo "OAuth: \${#CLAUDE_CODE_OAUTH_TOKEN} chars, API: \${#ANTHROPIC_API_KEY} chars"'`;

export const CODEX_KEYS = `echo '{}' | docker run -i \\
  --mount type=bind,source=$(pwd)/data/env,target=/workspace/env-dir,readonly \\
  --entrypoint /bin/bash nanoclaw-agent:latest \\
  -c 'export $(cat /workspace/env-dir/env | xargs); echo "CODEX_API_KEY: \${#CODEX_API_KEY} chars"'`;

export const CLAUDE_DIRECTLY = `docker run --rm --entrypoint /bin/bash \\
  -v $(pwd)/data/env:/workspace/env-dir:ro \\
  nanoclaw-agent:latest -c '
  export $(cat /workspace/env-dir/env | xargs)
  claude -p "Say hello" --dangerously-skip-permissions --allowedTools ""
'`;

export const CODEX_DIRECTLY = `docker run --rm --entrypoint /bin/bash \\
  --mount "type=bind,source=$(pwd)/data/env,target=/workspace/env-dir,readonly" \\
  nanoclaw-agent:latest -c '
  export $(cat /workspace/env-dir/env | xargs)
  codex exec --dangerously-bypass-approvals-and-sandbox --skip-git-repo-check "Say hello"
'`;

/** The reference of how the runner calls Codex, in a container as the command before. */
export const CODEX_REFERENCE = `docker run --rm --entrypoint /bin/bash \\
  --mount "type=bind,source=$(pwd)/data/env,target=/workspace/env-dir,readonly" \\
  nanoclaw-agent:latest -c '
  export $(cat /workspace/env-dir/env | xargs)
  codex exec --dangerously-bypass-approvals-and-sandbox --skip-git-repo-check \\
    --output-schema /app/response-schema.json \\
    --output-last-message /tmp/codex-output.json \\
    "Say hello" >/dev/null; cat /tmp/codex-output.json
'`;

export const KIMI_DIRECTLY = `docker run --rm --entrypoint /bin/bash nanoclaw-agent:latest -c '
  kimi --version
  kimi info
'`;

export const WORKSPACE = `docker run --rm --entrypoint /bin/bash nanoclaw-agent:latest -c 'ls -la /workspace/'`;

export const OWNERSHIP = `docker run --rm --entrypoint /bin/bash nanoclaw-agent:latest -c '
  whoami
  ls -la /workspace/
  ls -la /app/
'`;

export const CLAUDE_SESSIONS = `docker run --rm --entrypoint /bin/bash \\
  -v ~/.claude:/home/node/.claude \\
  nanoclaw-agent:latest -c '
echo "HOME=$HOME"
ls -la $HOME/.claude/projects/ 2>&1 | head -5
'`;

export const CODEX_SESSIONS = `docker run --rm --entrypoint /bin/bash \\
  -v $(pwd)/data/sessions/test/.codex:/home/node/.codex \\
  nanoclaw-agent:latest -c '
  echo "HOME=$HOME"
  ls -la $HOME/.codex 2>&1 | head -5
'`;

export const INTERACTIVE_SHELL = 'docker run --rm -it --entrypoint /bin/bash nanoclaw-agent:latest';

const inside = (
  title: string,
  program: string,
) => `docker run --rm --entrypoint /bin/bash nanoclaw-agent:latest -c '
  echo "=== Node version ==="
  node --version

  echo "=== ${title} version ==="
  ${program} --version

  echo "=== Installed packages ==="
  ls /app/node_modules/
'`;

/** What is in the image, in the words of each guide. */
export const CONTENTS = {
  claude: inside('Claude Code', 'claude'),
  codex: inside('Codex CLI', 'codex'),
  kimi: inside('Kimi CLI', 'kimi'),
} as const;

export const IMAGES = 'docker images';
