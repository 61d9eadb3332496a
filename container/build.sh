#!/usr/bin/env bash
# Builds the agent's image. See --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
package=$(dirname "$here")

# shellcheck source=container/lib/env.sh
source "$here/lib/env.sh"
# shellcheck source=container/lib/debian-base.sh
source "$here/lib/debian-base.sh"

usage() {
  cat <<'USAGE'
usage: container/build.sh [--base IMAGE|debian] [--runtime docker] [--no-cache]

  --base IMAGE     build on this image (default: node:24-slim)
  --base debian    make the base first, from the Debian mirror that this machine's apt uses (needs root, debootstrap
                   and npm, and no image registry)
  --runtime NAME   docker; podman and container are not supported yet
  --no-cache       build everything anew, the Debian base too

The image is named by CONTAINER_IMAGE, from the environment or .env (default: nanoclaw-agent:latest).
USAGE
}

fail() {
  echo "build.sh: $1" >&2
  exit "${2:-1}"
}

base=node:24-slim
runtime=docker
cache=()
while [ $# -gt 0 ]; do
  case $1 in
    --base | --runtime)
      [ $# -ge 2 ] || fail "$1 needs a value; see --help" 2
      if [ "$1" = --base ]; then base=$2; else runtime=$2; fi
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

case $runtime in
  docker) ;;
  podman | container) fail "--runtime $runtime is not supported yet; use docker, or run without an image: CONTAINER_RUNTIME=bubblewrap" ;;
  *) fail "unknown runtime $runtime; it may be docker" 2 ;;
esac
command -v docker >/dev/null || fail "docker is not installed. See https://docs.docker.com/engine/install/"
docker version >/dev/null 2>&1 || fail "Docker's engine does not answer. Start it, and make sure that this user may use it"

root=${NANOCLAW_ROOT:-$package}
image=$(setting CONTAINER_IMAGE "$root/.env" nanoclaw-agent:latest)
for name in INSTALL_CJK_FONTS AGENT_PROVIDERS; do
  value=$(setting "$name" "$root/.env" '')
  case $name=$value in
    *= | INSTALL_CJK_FONTS=false | AGENT_PROVIDERS=offline) ;;
    *) echo "build.sh: $name=$value is not used yet: the image holds the offline agent only" ;;
  esac
done

# The runner is bundled anew where that is possible, so that no image carries yesterday's.
bundle=$here/agent-runner/dist/runner.mjs
if command -v node >/dev/null && [ -d "$package/node_modules/esbuild" ]; then
  node "$here/agent-runner/bundle.mjs"
elif [ ! -f "$bundle" ]; then
  fail "the agent's runner is not bundled, and esbuild is missing to do it. Run: npm ci"
fi

if [ "$base" = debian ]; then
  make_debian_base "${#cache[@]}"
  base=$DEBIAN_BASE_IMAGE
fi

# macOS has shasum in the place of sha256sum.
digest() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

source_hash=$(
  cd "$package"
  find container src/protocol -type f -not -path '*/dist/*' -not -path '*/node_modules/*' -print0 |
    LC_ALL=C sort -z | while IFS= read -r -d '' file; do digest "$file"; done | digest | cut -c1-16
)

echo "build.sh: building $image on $base"
docker build ${cache[@]+"${cache[@]}"} --network none \
  --build-arg "BASE_IMAGE=$base" --build-arg "SOURCE=$source_hash" \
  --tag "$image" --file "$here/Dockerfile" "$here"
echo "build.sh: $image is ready (source $source_hash)"
