#!/usr/bin/env bash
# fuzz.sh TIME: fuzzes every fuzz target of the module for TIME each; Go fuzzes one target at a time.
set -euo pipefail

ran=0
while IFS=: read -r file name; do
  echo "== $name (${file%/*})"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$1" "./${file%/*}"
  ran=$((ran + 1))
done < <(git grep -oE --no-color 'func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed 's/:func /:/')
echo "fuzz targets run: $ran"
((ran > 0))
