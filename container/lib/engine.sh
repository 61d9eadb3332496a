# What the engines do differently. Each function reads $runtime: docker, podman or container (Apple's).

# The engine to build with when none is asked for: the one that the host is set to, else the first that is installed.
default_runtime() {
  local name
  case $1 in docker | podman | container)
    echo "$1"
    return
    ;;
  esac
  for name in docker podman container; do
    if command -v "$name" >/dev/null; then
      echo "$name"
      return
    fi
  done
  echo docker
}

# Fails unless the engine answers; sets ENGINE_CPU to npm's name for the processor that its containers run on.
find_engine() {
  local cpu
  command -v "$runtime" >/dev/null || case $runtime in
    docker) fail "docker is not installed. See https://docs.docker.com/engine/install/" ;;
    podman) fail "podman is not installed. See https://podman.io/docs/installation" ;;
    container) fail "container is not installed. See https://github.com/apple/container/releases" ;;
  esac
  case $runtime in
    docker)
      cpu=$(docker version --format '{{.Server.Arch}}' 2>/dev/null) ||
        fail "Docker's engine does not answer. Start it, and make sure that this user may use it"
      ;;
    podman)
      cpu=$(podman info --format '{{.Host.Arch}}' 2>/dev/null) ||
        fail "Podman does not work for this user. What it says: podman info"
      ;;
    container)
      container system status >/dev/null 2>&1 || container system start >/dev/null 2>&1 ||
        fail "Apple's container does not answer. Start it: container system start"
      cpu=arm64
      ;;
  esac
  case $cpu in
    amd64 | x86_64) ENGINE_CPU=x64 ;;
    arm64 | aarch64) ENGINE_CPU=arm64 ;;
    *) fail "the agents' programs are made for amd64 and arm64; $runtime runs $cpu" ;;
  esac
}

image_exists() {
  "$runtime" image inspect "$1" >/dev/null 2>&1
}

# A build's cache outlives --no-cache: Docker and Apple's builder keep what they were sent.
prune_builder() {
  case $runtime in
    docker) docker builder prune --all --force >/dev/null ;;
    container)
      # Its earlier releases cannot prune: there the builder goes as a whole, and comes back with the next build.
      container builder prune -af >/dev/null 2>&1 || container builder delete --force >/dev/null
      ;;
    podman) ;; # Keeps no cache but its images' layers, which --no-cache passes over.
  esac
}

# build_image CONTEXT DOCKERFILE [ARGUMENT...]
build_image() {
  local context=$1 dockerfile=$2
  shift 2
  # Apple's builder knows no --network.
  if [ -n "$network" ] && [ "$runtime" != container ]; then set -- --network "$network" "$@"; fi
  "$runtime" build ${cache[@]+"${cache[@]}"} "$@" --tag "$image" --file "$dockerfile" "$context"
}
