# Settings for build.sh: from the environment, else from .env, else a default.

# setting NAME FILE DEFAULT
setting() {
  local name=$1 file=$2 default=$3 value line
  value=${!name:-}
  if [ -z "$value" ] && [ -r "$file" ]; then
    # The last assignment counts. The file is read, never run.
    while IFS= read -r line || [ -n "$line" ]; do
      line=${line%$'\r'}
      case $line in "$name="*) value=${line#*=} ;; esac
    done <"$file"
  fi
  printf '%s\n' "${value:-$default}"
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
