#!/usr/bin/env bash
# Tells DVC where its remote is: DVC_REMOTE_URL goes into .dvc/config.local, which git ignores, because DVC itself reads
# no address from the environment. Credentials are written nowhere: the provider's own chain finds them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

url=${DVC_REMOTE_URL:-}
[[ -n $url ]] || { say "set DVC_REMOTE_URL, for example s3://bucket/creditrisk: docs/dvc.md"; exit 2; }
if [[ $url == *://*:*@* ]]; then
  say "DVC_REMOTE_URL holds a password, which would be written to a file: leave it to the provider's chain, docs/dvc.md"
  exit 2
fi
.venv/bin/dvc remote add --quiet --local --force --default environment "$url"
