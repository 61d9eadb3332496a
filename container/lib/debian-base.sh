# A base image without an image registry: Debian from the mirror that this machine's apt uses, Node from npm.

DEBIAN_SUITE=trixie
DEBIAN_NODE_VERSION=24.20.0
DEBIAN_BASE_IMAGE=nanoclaw-base:debian-$DEBIAN_SUITE-node-$DEBIAN_NODE_VERSION

# The first mirror of this machine's apt that is not for security updates.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1 || true
}

# make_debian_base ANEW: makes $DEBIAN_BASE_IMAGE unless it is there; ANEW other than 0 makes it in any case.
make_debian_base() {
  local anew=$1 program mirror work architecture
  if [ "$anew" -eq 0 ] && docker image inspect "$DEBIAN_BASE_IMAGE" >/dev/null 2>&1; then
    echo "build.sh: using $DEBIAN_BASE_IMAGE, which is there (--no-cache makes it anew)"
    return
  fi
  for program in apt-get debootstrap npm tar; do
    command -v "$program" >/dev/null || fail "--base debian needs $program. On Debian: apt-get install debootstrap npm"
  done
  [ "$(id -u)" -eq 0 ] || fail "--base debian needs root, for debootstrap. Run it with sudo, or give another --base"
  case $(uname -m) in
    x86_64) architecture=x64 ;;
    aarch64) architecture=arm64 ;;
    *) fail "--base debian knows no Node for $(uname -m). Give another --base" ;;
  esac
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || fail "apt has no Debian mirror on this machine. Give another --base"

  work=$(mktemp -d "${TMPDIR:-/tmp}/nanoclaw-base.XXXXXX")
  # Expanded now: the variable is local.
  # shellcheck disable=SC2064
  trap "rm -rf --one-file-system '$work'" EXIT
  echo "build.sh: making $DEBIAN_BASE_IMAGE (about a minute)"
  debootstrap --variant=minbase --include=ca-certificates,bash,git,procps "$DEBIAN_SUITE" "$work/root" "$mirror" \
    >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    fail "debootstrap could not make Debian $DEBIAN_SUITE from $mirror. Give another --base"
  }
  mkdir "$work/node"
  (cd "$work/node" && npm install --loglevel error --ignore-scripts --no-save --no-audit --no-fund --no-package-lock \
    --prefix "$work/node" "node-linux-$architecture@$DEBIAN_NODE_VERSION")
  install -m 0755 "$work/node/node_modules/node-linux-$architecture/bin/node" "$work/root/usr/local/bin/node"
  rm -rf "$work"/root/var/lib/apt/lists/* "$work"/root/var/cache/apt/*.bin "$work"/root/var/cache/apt/archives/*.deb \
    "$work"/root/usr/share/{doc,man,locale,info}/*
  tar --numeric-owner --sort=name --one-file-system -C "$work/root" -c . |
    docker import -c 'CMD ["bash"]' - "$DEBIAN_BASE_IMAGE" >/dev/null
  rm -rf --one-file-system "$work"
  trap - EXIT
}
