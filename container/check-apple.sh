#!/usr/bin/env bash
# Checks on a Mac what NanoClaw expects of Apple's container. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: container/check-apple.sh [IMAGE]

Runs a few containers of the agent's image (default: nanoclaw-agent:latest, built by container/build.sh --runtime
container) the way the host runs them, and tells of each expectation whether it holds. Needs the host's Node. Changes
nothing but a temporary directory. Ends with 0 when all hold.
USAGE
}

case ${1:-} in
  --help | -h)
    usage
    exit 0
    ;;
  -*)
    usage >&2
    exit 2
    ;;
esac
image=${1:-nanoclaw-agent:latest}
prefix=nanoclaw-check-$$
failed=0

if ! command -v container >/dev/null; then
  echo "check-apple.sh: Apple's container is not installed: https://github.com/apple/container/releases" >&2
  exit 1
fi

# expect NAME PATTERN TEXT
expect() {
  if grep -Eq -- "$2" <<<"$3"; then
    echo "ok      $1"
  else
    failed=1
    echo "NOT OK  $1"
    echo "        expected $2, got: ${3:-nothing}" | head -n 5
  fi
}

echo "version: $(container --version)"
container system status >/dev/null 2>&1 || container system start --enable-kernel-install
expect 'the system runs' '^0$' "$(container system status >/dev/null 2>&1; echo $?)"
expect "the image $image is there" '^0$' "$(container image inspect "$image" >/dev/null 2>&1; echo $?)"
expect 'a missing image makes inspect fail' '^[1-9]' "$(container image inspect nanoclaw-no-such-image:latest >/dev/null 2>&1; echo $?)"
expect 'the image tells what it was built from' '"nanoclaw\.source"' "$(container image inspect "$image")"

help=$(container run --help)
hardening=()
for option in --cap-drop --init --read-only; do
  if grep -q -- "$option" <<<"$help"; then
    case $option in
      --cap-drop) hardening+=(--cap-drop ALL) ;;
      --read-only) hardening+=(--read-only --tmpfs /tmp --tmpfs /home/node) ;;
      *) hardening+=("$option") ;;
    esac
  else
    echo "note    this version has no $option; its virtual machine is the wall"
  fi
done

place=$(mktemp -d "${TMPDIR:-/tmp}/nanoclaw-check.XXXXXX")
place=$(cd "$place" && pwd -P)
server=
clean_up() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  container list --all --quiet 2>/dev/null | { grep "^$prefix" || true; } | while read -r name; do
    container delete --force "$name" >/dev/null 2>&1 || true
  done
  rm -rf "$place"
}
trap clean_up EXIT

mkdir -p "$place"/{group/logs,env-dir,ipc/messages,claude}
echo 'PROBE=from-env-dir' >"$place/env-dir/env"

# inside SCRIPT: runs it with the host's arguments, stdin open. NETWORK: how it is connected.
inside() {
  local network=()
  [ "${NETWORK-none}" = '' ] || network=(--network "${NETWORK-none}")
  container run --rm --interactive --name "$prefix-run" --label nanoclaw.install=check --cpus 2 --memory 2G \
    ${hardening[@]+"${hardening[@]}"} ${network[@]+"${network[@]}"} --workdir /workspace/group \
    -v "$place/group:/workspace/group" \
    --mount "type=bind,source=$place/group/logs,target=/workspace/group/logs,readonly" \
    --mount "type=bind,source=$place/env-dir,target=/workspace/env-dir,readonly" \
    --mount "type=bind,source=$place/ipc,target=/workspace/ipc,readonly" \
    -v "$place/ipc/messages:/workspace/ipc/messages" \
    -v "$place/claude:/home/node/.claude" \
    --entrypoint /bin/bash "$image" -c "$1" </dev/null 2>&1 || echo "exit code $?"
}

# can DIRECTORY: whether the agent can write there.
can="can() { if touch \$1/probe 2>/dev/null; then echo yes; else echo no; fi; }"
expect 'the agent is node, uid 1000' '^1000 node$' "$(inside 'echo $(id -u) $(id -un)')"
expect 'HOME is /home/node' '^/home/node$' "$(inside 'echo $HOME')"
expect 'env-dir is there' 'from-env-dir' "$(inside 'cat /workspace/env-dir/env')"
for directory in /workspace/group /workspace/ipc/messages /home/node/.claude /home/node /tmp; do
  expect "$directory can be written" '^yes$' "$(inside "$can; can $directory")"
done
for directory in /workspace/group/logs /workspace/env-dir /workspace/ipc; do
  expect "$directory cannot be written" '^no$' "$(inside "$can; can $directory")"
done
expect 'what the agent wrote belongs to this user' "^$(id -u)\$" "$(stat -f %u "$place/group/probe" 2>/dev/null || stat -c %u "$place/group/probe")"
expect "a rename by the host is seen inside" '^later$' "$(
  (sleep 2; echo later >"$place/ipc/.new"; mv "$place/ipc/.new" "$place/ipc/current_tasks.json") &
  inside 'for n in $(seq 100); do if [ -s /workspace/ipc/current_tasks.json ]; then cat /workspace/ipc/current_tasks.json; exit; fi; sleep 0.1; done'
  wait
)"
expect 'with --network none there is no network' '^lo$' "$(inside 'ls /sys/class/net')"

# What the keys' proxy relies on: it listens at the gateway as soon as the Mac has that address, and the token is the guard.
gateway=$(container network inspect default | grep -Eo '"(ipv4G|g)ateway" *: *"[0-9.]+' | grep -Eo '[0-9.]+$' | head -n 1 || true)
expect 'the network tells its gateway' '^([0-9]+\.){3}[0-9]+$' "$gateway"
has_gateway() {
  node -p 'Object.values(os.networkInterfaces()).flat().some(({ address }) => address === process.argv[1])' "$1"
}
echo "note    without a container this Mac has the address $gateway: $(has_gateway "$gateway") (the host needs it only while one runs)"
port=$((20000 + $$ % 20000))
node -e '
  const [host, port, token] = process.argv.slice(1);
  const server = require("http").createServer((request, response) => {
    const known = request.headers["x-api-key"] === token;
    response.writeHead(known ? 200 : 401).end(known ? "welcome" : "refused");
  });
  const listen = () => server.listen({ host, port });
  server.on("error", () => setTimeout(listen, 100));
  listen();
' "$gateway" "$port" "token-$$" &
server=$!
ask() {
  NETWORK='' inside "curl --silent --noproxy '*' --max-time 20 --retry 20 --retry-delay 1 --retry-connrefused --header 'x-api-key: $1' http://$gateway:$port/"
}
expect 'the gateway leads to this Mac, and a token opens' '^welcome$' "$(ask "token-$$")"
expect 'another token does not' '^refused$' "$(ask other)"
kill "$server" 2>/dev/null || true
server=

echo "note    -e with --interactive: $(
  container run --rm --interactive --name "$prefix-env" -e PROBE=kept --entrypoint /bin/bash "$image" -c 'echo "${PROBE-lost}"' </dev/null 2>&1
) (the host hands everything over by env-dir)"
expect 'stdin reaches the agent' '^hello$' "$(echo hello | container run --rm --interactive --name "$prefix-stdin" --entrypoint /bin/cat "$image")"
expect 'an exit code comes through' '^exit code 7$' "$(inside 'exit 7')"

container run --rm --interactive --name "$prefix-long" --entrypoint /bin/sleep "$image" 300 </dev/null >/dev/null 2>&1 &
for _ in $(seq 100); do
  container list --quiet | grep -q "^$prefix-long\$" && break
  sleep 0.2
done
expect 'containers are listed by name' "^$prefix-long\$" "$(container list --all --quiet)"
expect 'they are ended by name' '^0$' "$(container delete --force "$prefix-long" >/dev/null 2>&1; echo $?)"
# The host looks for five seconds.
for _ in $(seq 50); do
  container list --all --quiet | grep -q "^$prefix-long\$" || break
  sleep 0.1
done
expect 'and are gone then' '^0$' "$(container list --all --quiet | grep -c "^$prefix-long\$" || true)"
wait
container delete --force "$prefix-long" >/dev/null 2>&1 || true
expect 'to end what is gone leaves nothing in the list' '^0$' "$(container list --all --quiet | grep -c "^$prefix-long\$" || true)"

if [ "$failed" -ne 0 ]; then
  echo "Some expectations do not hold: use another runtime (CONTAINER_RUNTIME=docker), and report the lines above."
fi
exit "$failed"
