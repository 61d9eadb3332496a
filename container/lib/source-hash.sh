#!/usr/bin/env bash
# Prints the hash of what the image is made from, below the package's root. src/agent/image-source.ts computes the same.
# It is the first 16 digits of the SHA-256 of lines "SHA-256  PATH", one per file of container/ and src/protocol/, by
# path in the order of bytes. Left out: tests, what begins with a dot, node_modules and dist.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# macOS has shasum in the place of sha256sum.
digest=(sha256sum)
command -v sha256sum >/dev/null || digest=(shasum -a 256)

find container src/protocol -type d \( -name node_modules -o -name dist -o -name '.*' \) -prune \
  -o -type f ! -name '*.test.ts' ! -name '.*' -print0 |
  LC_ALL=C sort -z | xargs -0 "${digest[@]}" | "${digest[@]}" | cut -c1-16
