#!/usr/bin/env bash
# Builds the agent's image. See --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
package=$(dirname "$here")

# shellcheck source=container/lib/env.sh
source "$here/lib/env.sh"
# shellcheck source=container/lib/engine.sh
source "$here/lib/engine.sh"
# shellcheck source=container/lib/agents.sh
source "$here/lib/agents.sh"
# shellcheck source=container/lib/debian-base.sh
source "$here/lib/debian-base.sh"

usage() {
  cat <<'USAGE'
usage: container/build.sh [--base IMAGE|debian] [--runtime docker|podman|container] [--network NAME] [--no-cache]

  --base IMAGE     build on this image, a Debian with Node 22.19 or newer (default: node:24-slim)
  --base debian    make the base first, from the Debian mirror that this machine's apt uses (needs root and
                   debootstrap, and no image registry)
  --runtime NAME   docker, podman, or container for Apple's (default: CONTAINER_RUNTIME if it is one of these, else the
                   first that is installed)
  --network NAME   the network of the build's steps (default: none with --base debian, else the engine's own)
  --no-cache       build everything anew, the Debian base too, and empty the builder's cache

Read from the environment, else from .env:
  CONTAINER_IMAGE    the image's name (default: nanoclaw-agent:latest)
  AGENT_PROVIDERS    the agents that the image holds, with commas between (default: claude,codex,kimi)
  INSTALL_CJK_FONTS  true: with fonts for Chinese, Japanese and Korean
  INSTALL_BROWSER    true: with Chromium for the agent
And from the environment only:
  CONTAINER_BUILD_DIR  where the image's files are laid ready (default: container/agent-runner/dist/image)
USAGE
}

fail() {
  echo "build.sh: $1" >&2
  exit "${2:-1}"
}

root=${NANOCLAW_ROOT:-$package}
base=node:24-slim
runtime=$(default_runtime "$(setting CONTAINER_RUNTIME "$root/.env" auto)")
network=
cache=()
while [ $# -gt 0 ]; do
  case $1 in
    --base | --runtime | --network)
      [ $# -ge 2 ] || fail "$1 needs a value; see --help" 2
      case $1 in
        --base) base=$2 ;;
        --runtime) runtime=$2 ;;
        --network) network=$2 ;;
      esac
      shift 2
      ;;
    --no-cache)
      cache=(--no-cache)
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail "unknown argument $1; see --help" 2 ;;
  esac
done

case $runtime in docker | podman | container) ;; *)
  fail "unknown runtime $runtime; it may be docker, podman or container" 2
  ;;
esac
image=$(setting CONTAINER_IMAGE "$root/.env" nanoclaw-agent:latest)
agents=$(agent_list "$(setting AGENT_PROVIDERS "$root/.env" '')")
cjk_fonts=$(switch INSTALL_CJK_FONTS "$root/.env")
browser=$(switch INSTALL_BROWSER "$root/.env")
find_engine
[ "$base" != debian ] || check_debian_base

# The runner is bundled anew where that is possible, so that no image carries yesterday's.
bundles=$here/agent-runner/dist
if command -v node >/dev/null && [ -d "$package/node_modules/esbuild" ]; then
  node "$here/agent-runner/bundle.mjs"
elif [ ! -f "$bundles/runner.mjs" ] || [ ! -f "$bundles/tools.mjs" ]; then
  fail "the agent's runner is not bundled, and esbuild is missing to do it. Run: npm ci"
fi

# What becomes /app is laid ready in a directory of its own, which is all that the engine is shown.
# shellcheck disable=SC2086
set -- $agents
stage=${CONTAINER_BUILD_DIR:-$bundles/image}/$ENGINE_CPU-$(echo "${*:-offline}" | tr ' ' '-')
if [ "${#cache[@]}" -gt 0 ]; then
  rm -rf "$stage"
  prune_builder
fi
stage_agents "$ENGINE_CPU" "$stage" "$@"
stage_runner "$stage/app"

if [ "$base" = debian ]; then
  base=$(debian_base_name "$(locked_node_version)")
  network=${network:-none}
  if [ "${#cache[@]}" -gt 0 ] || ! image_exists "$base"; then
    make_debian_base "$base" "$stage/node/node"
  else
    echo "build.sh: using $base, which is there (--no-cache makes it anew)"
  fi
fi

source_hash=$("$here/lib/source-hash.sh" "$package")
echo "build.sh: building $image on $base with $runtime"
build_image "$stage/app" "$here/Dockerfile" \
  --build-arg "BASE_IMAGE=$base" --build-arg "SOURCE=$source_hash" --build-arg "PROVIDERS=$(echo "$*" | tr ' ' ,)" \
  --build-arg "INSTALL_CJK_FONTS=$cjk_fonts" --build-arg "INSTALL_BROWSER=$browser"
echo "build.sh: $image is ready (source $source_hash)"
