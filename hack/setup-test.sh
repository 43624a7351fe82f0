#!/usr/bin/env bash
# Makes sure of what the tests on real Kafka need: Java 17 or newer, and Maven. Installs
# what is missing with apt-get where it may, else prints the line to run and fails. Kafka
# itself comes through Maven, into the user's cache, when the first test asks for it.
set -euo pipefail

packages=(openjdk-17-jdk-headless maven)

# The same java as internal/kafkabroker takes.
java_release() {
  local java=java
  if [[ -n ${JAVA_HOME:-} ]]; then
    java=$JAVA_HOME/bin/java
  fi
  "$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1
}

missing() {
  local release
  release=$(java_release || true)
  if ((${release:-0} < 17)); then
    echo "Java 17 or newer (found: ${release:-none})"
  fi
  command -v mvn >/dev/null || echo "Maven"
}

lacking=$(missing)
if [[ -z $lacking ]]; then
  exit 0
fi
install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  printf 'The tests on real Kafka lack: %s\nInstall it, for example:\n  sudo sh -c "%s"\n' "${lacking//$'\n'/, }" "$install" >&2
  exit 1
fi
echo "installing ${lacking//$'\n'/, }"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  printf 'could not install it; run:\n  %s\n' "$install" >&2
  exit 1
fi
lacking=$(missing)
if [[ -n $lacking ]]; then
  echo "still lacking after the installation: ${lacking//$'\n'/, }; set JAVA_HOME to a newer Java" >&2
  exit 1
fi
