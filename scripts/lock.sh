#!/usr/bin/env bash
# Makes the locks again from pyproject.toml, keeping every version that still fits; `--upgrade` takes the newest.
# Requirement files with hashes, not uv.lock: that one writes the registry's address into the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

uv=$(find_uv)
compile() {
  "$uv" pip compile --quiet --universal --python-version "$PYTHON_WANTED" --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" "$@"
}
# Development is product plus every extra plus tools, and is resolved first: what is tested is what is shipped.
compile pyproject.toml --all-extras --group dev --output-file requirements/development.txt "$@"
compile pyproject.toml --constraints requirements/development.txt --output-file requirements/product.txt "$@"
compile - --output-file requirements/uv.txt "$@" <<<'uv>=0.13'
# Environments of tools, apart from the product's: scripts/tool_environment.sh makes them.
for source in requirements/*.in; do
  compile "$source" --output-file "${source%.in}.txt" "$@"
done
