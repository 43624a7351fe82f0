#!/usr/bin/env bash
# check-generated.sh BUF: fails if the generated code under proto/ is not what BUF makes now.
set -euo pipefail

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$1" generate -o "$fresh"
stale=0
while IFS= read -r file; do
  if ! diff -q "$fresh/$file" "$file" >/dev/null 2>&1; then
    echo "$file is not up to date" >&2
    stale=1
  fi
done < <(cd "$fresh" && find proto -type f)
while IFS= read -r file; do
  if [[ ! -e $fresh/$file ]]; then
    echo "$file is generated from nothing any more" >&2
    stale=1
  fi
done < <(find proto -name '*.pb.go')
if ((stale)); then
  echo "run 'make generate'" >&2
  exit 1
fi
