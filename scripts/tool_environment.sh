#!/usr/bin/env bash
# Makes .cache/env/NAME from requirements/NAME.txt: an environment apart from the product's, for a tool whose libraries
# do not go with ours (Airflow, checkov) or that only tests/infra runs. Second and later calls take no time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

name=${1:?which environment? one of: $(cd requirements && echo *.in | sed 's/\.in//g')}
lock=requirements/$name.txt
into=.cache/env/$name
[[ -f $lock ]] || { say "no $lock: make lock writes it from requirements/$name.in"; exit 2; }
made_from=$(cat "$lock" scripts/tool_environment.sh | sha256sum | cut -d' ' -f1)
if [[ -x $into/bin/python && -f $into/.made-from && $(<"$into/.made-from") == "$made_from" ]]; then
  exit 0
fi
uv=$(find_uv)
python=$(find_python)
rm -rf "$into"
"$uv" venv --quiet --no-project --python "${python:-$PYTHON_WANTED}" "$into"
say "installing the packages of $lock"
"$uv" pip sync --quiet --python "$into/bin/python" --require-hashes "$lock"
echo "$made_from" >"$into/.made-from"
