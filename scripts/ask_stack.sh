#!/usr/bin/env bash
# Asks the API of the compose stack whether it lives, is ready, and which model decides: scripts/ask_stack.sh [URL]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
url=${1:-http://127.0.0.1:8080}
for path in /health /ready /metadata; do
  echo "== $url$path"
  # The key by a file of its own, so that no list of processes shows it.
  curl --fail --silent --show-error --retry 10 --retry-delay 3 --retry-all-errors \
    --header @<(echo "X-API-Key: $(<deploy/compose/secrets/api_admin_key)") "$url$path"
  echo
done
