#!/usr/bin/env bash
# ensure.sh COMMAND PACKAGE...: installs the packages with apt-get if COMMAND is missing
# and we are root; otherwise prints the line to run and fails.
set -euo pipefail

command=$1
shift
if command -v "$command" >/dev/null; then
  exit 0
fi
install="apt-get install -y --no-install-recommends $*"
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "$command is missing. Install it, for example: sudo $install" >&2
  exit 1
fi
echo "$command is missing: installing $*"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && $install; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "could not install $command; run: $install" >&2
  exit 1
fi
command -v "$command" >/dev/null
