#!/usr/bin/env bash
# e2e-logs.sh: shows the end of every log that a failed `make e2e` has kept under e2e/out, for
# those who will see nothing of that machine but its console.
set -euo pipefail
shopt -s nullglob

for log in e2e/out/*/*.log; do
  if [[ -s $log ]]; then
    printf '\n== %s\n' "$log"
    tail -n 15 "$log" | cut -c 1-400
  fi
done
