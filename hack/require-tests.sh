#!/usr/bin/env bash
# require-tests.sh [--no-skips] NAME FILE: FILE is what `go test -json` wrote. Says how many
# tests ran and fails if none did: a suite that runs nothing must not look green. With
# --no-skips a skipped test fails as well.
set -euo pipefail

no_skips=
if [[ $1 == --no-skips ]]; then
  no_skips=1
  shift
fi
name=$1 file=$2

count() {
  grep -cE "\"Action\":\"$1\".*\"Test\":" "$file" || true
}
passed=$(count pass) failed=$(count fail) skipped=$(count skip)
echo "$name tests: $passed passed, $failed failed, $skipped skipped"
if ((failed > 0)); then
  exit 1
fi
if ((passed == 0)); then
  echo "the $name tests ran nothing" >&2
  exit 1
fi
if [[ -n $no_skips ]] && ((skipped > 0)); then
  echo "the $name tests may not be skipped" >&2
  exit 1
fi
