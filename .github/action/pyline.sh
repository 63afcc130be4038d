#!/usr/bin/env bash
# Runs `pyline` for the action, as root where the engine needs that. Words of $PYLINE_ARGS, one a line, come last.
set -euo pipefail

words=(--engine "$PYLINE_ENGINE_CHOICE" "$@" --source "$PYLINE_SOURCE")
while IFS= read -r line; do
  if [ -n "$line" ]; then words+=("$line"); fi
done <<<"${PYLINE_ARGS:-}"

as_root=()
if [ "$PYLINE_ENGINE_CHOICE" != dagger ] && [ "$(id -u)" != 0 ] && [ -z "${BUILDKIT_HOST:-}" ]; then
  # The names of the environment go with it, and no value is an argument that other processes could see.
  as_root=(sudo --preserve-env --preserve-env=PATH,HOME)
fi
exec "${as_root[@]}" "$(dirname "$0")/../../pyline" "${words[@]}"
