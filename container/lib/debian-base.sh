# A base image without an image registry: Debian from the mirror that this machine's apt uses, Node from the lock file.

DEBIAN_SUITE=trixie

# debian_base_name NODE_VERSION: the base's name, which says what it holds.
debian_base_name() {
  local name="nanoclaw-base:debian-$DEBIAN_SUITE-node-$1"
  [ "$cjk_fonts" = false ] || name=$name-cjk
  [ "$browser" = false ] || name=$name-browser
  echo "$name-$(cksum <"$here/lib/debian-base.sh" | cut -d' ' -f1)"
}

# The first mirror of this machine's apt that is not for security updates.
debian_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1 || true
}

# check_debian_base: fails where this machine cannot make one.
check_debian_base() {
  local program
  [ "$runtime" != container ] || fail "--base debian needs docker or podman: Apple's container cannot import a file tree"
  for program in apt-get debootstrap tar; do
    command -v "$program" >/dev/null || fail "--base debian needs $program. On Debian: apt-get install debootstrap"
  done
  [ "$(id -u)" -eq 0 ] || fail "--base debian needs root, for debootstrap. Run it with sudo, or give another --base"
  [ -n "$(debian_mirror)" ] || fail "apt has no Debian mirror on this machine. Give another --base"
}

# install_into ROOT PACKAGE...: by the new system's own apt. debootstrap does not resolve what a browser depends on.
install_into() {
  local tree=$1 status=0
  shift
  cp /etc/resolv.conf "$tree/etc/resolv.conf"
  mount -t proc proc "$tree/proc"
  chroot "$tree" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"' \
    sh "$@" || status=$?
  umount "$tree/proc"
  rm -f "$tree/etc/resolv.conf"
  return "$status"
}

# make_debian_base NAME NODE: imports the base under NAME, with NODE as its node program.
make_debian_base() {
  local name=$1 node=$2 mirror work extra=()
  [ "$cjk_fonts" = false ] || extra+=(fonts-noto-cjk)
  [ "$browser" = false ] || extra+=(chromium)
  mirror=$(debian_mirror)
  work=$(mktemp -d "${TMPDIR:-/tmp}/nanoclaw-base.XXXXXX")
  # Expanded now: the variable is local.
  # shellcheck disable=SC2064
  trap "umount '$work/root/proc' 2>/dev/null || true; rm -rf --one-file-system '$work'" EXIT
  echo "build.sh: making $name (about a minute)"
  debootstrap --variant=minbase --include=bash,ca-certificates,curl,git,procps "$DEBIAN_SUITE" "$work/root" "$mirror" \
    >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    fail "debootstrap could not make Debian $DEBIAN_SUITE from $mirror. Give another --base"
  }
  if [ "${#extra[@]}" -gt 0 ]; then
    install_into "$work/root" "${extra[@]}" >"$work/apt.log" 2>&1 || {
      tail -n 20 "$work/apt.log" >&2
      fail "apt could not install ${extra[*]} from $mirror. Give another --base, or leave these out"
    }
  fi
  install -m 0755 "$node" "$work/root/usr/local/bin/node"
  rm -rf "$work"/root/var/lib/apt/lists/* "$work"/root/var/cache/apt/*.bin "$work"/root/var/cache/apt/archives/*.deb \
    "$work"/root/var/log/* "$work"/root/usr/share/{doc,man,locale,info}/*
  tar --numeric-owner --sort=name --one-file-system -C "$work/root" -c . |
    "$runtime" import --change 'CMD ["bash"]' - "$name" >/dev/null
  rm -rf --one-file-system "$work"
  trap - EXIT
}
