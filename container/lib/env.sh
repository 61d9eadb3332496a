# Settings for build.sh: from the environment, else from .env, else a default.

# setting NAME FILE DEFAULT
setting() {
  local name=$1 file=$2 default=$3 value line
  value=${!name:-}
  if [ -z "$value" ] && [ -r "$file" ]; then
    # The last assignment counts. The file is read, never run.
    while IFS= read -r line || [ -n "$line" ]; do
      line=${line#$'\xef\xbb\xbf'} # A byte order mark, as editors on Windows write it.
      case $line in *"$name"*=*) if assigns "$name" "$line"; then value=$(assigned "$line"); fi ;; esac
    done <"$file"
  fi
  printf '%s\n' "${value:-$default}"
}

# The host reads .env by Node's parseEnv. What follows reads a line as that does; a value of several lines is none of ours.

# assigns NAME LINE
assigns() {
  local name
  name=$(trimmed "${2%%=*}")
  [ "${name#export }" = "$1" ]
}

# assigned LINE: the value, without its quotes and what follows them, or else without a comment.
assigned() {
  local value quote
  value=$(trimmed "${1#*=}")
  quote=${value:0:1}
  case $value in
    \"*\"* | \'*\'* | \`*\`*)
      value=${value:1}
      printf '%s' "${value%%"$quote"*}"
      ;;
    *) trimmed "${value%%#*}" ;;
  esac
}

# trimmed TEXT: without white space at its ends, a carriage return among it.
trimmed() {
  local text=$1
  text=${text#"${text%%[![:space:]]*}"}
  printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# switch NAME FILE: true or false, false without a value.
switch() {
  local value
  value=$(setting "$1" "$2" false)
  case $value in
    true | false) echo "$value" ;;
    *) fail "$1 is \"$value\"; it may be true or false" 2 ;;
  esac
}
