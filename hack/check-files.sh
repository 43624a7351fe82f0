#!/usr/bin/env bash
# Checks the files that no other linter reads.
set -euo pipefail

git rev-parse --is-inside-work-tree >/dev/null # without git, nothing below would find anything
status=0
while IFS= read -r script; do
  if head -n 1 "$script" | grep -q '^#!.*bash'; then
    bash -n "$script" || status=1
    if [[ ! -x $script ]]; then
      echo "$script is not executable" >&2
      status=1
    fi
  fi
done < <(git ls-files -- hack .ci 'e2e/*.sh' 'test/*.sh')

# What one machine looks like is nobody else's business. The brackets keep this line from matching itself.
if git grep -nIE '/[r]oot/|/[w]ork/|/[h]ome/[a-z]|[p]roxy\.golang\.org' -- . ':!*/go.sum' ':!go.sum' >&2; then
  echo "the lines above name paths of a machine or a package registry" >&2
  status=1
fi
if git grep -nIE '[[:space:]]+$' -- '*.yaml' '*.yml' '*.sh' '*.proto' Makefile Dockerfile >&2; then
  echo "the lines above end in white space" >&2
  status=1
fi
exit $status
