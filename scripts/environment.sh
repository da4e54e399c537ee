#!/usr/bin/env bash
# Makes .venv from requirements/development.txt, with `creditrisk` in .venv/bin. Second and later calls take no time.
# Needs bash, any Python 3.8 or newer with pip (only where uv is missing) and a package registry; no home folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

lock=requirements/development.txt
stamp=.venv/.made-from
made_from=$(cat "$lock" pyproject.toml scripts/environment.sh | sha256sum | cut -d' ' -f1)
if [[ -x .venv/bin/creditrisk && -f $stamp && $(<"$stamp") == "$made_from" ]]; then
  exit 0
fi

started=$SECONDS
uv=$(find_uv)
if ! .venv/bin/python -c "$IS_RECENT" 2>/dev/null; then
  python=$(find_python)
  say "making .venv with ${python:-a Python $PYTHON_WANTED that uv downloads}"
  rm -rf .venv
  "$uv" venv --quiet --no-project --python "${python:-$PYTHON_WANTED}" .venv || {
    say "no Python $PYTHON_WANTED or newer here, and none could be downloaded: install one and run this again"
    exit 3
  }
fi
rm -f "$stamp"
say "installing the packages of $lock (about 1.2 GB unpacked; minutes the first time)"
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes "$lock"
# The build backend stands in the lock too, so that nothing is fetched without a hash.
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
# Bytecode of what every run imports: seconds for each process that finds none and may not keep it.
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -W ignore -c '
import duckdb, matplotlib.backends.backend_agg, matplotlib.figure, mlflow.client, mlflow.store.db.utils
import pandera.polars, polars, pyarrow.csv, pyarrow.parquet, scipy.stats, sqlglot.optimizer, typer, xgboost, yaml
import mlflow.store.model_registry.sqlalchemy_store, mlflow.store.tracking.sqlalchemy_store
' || say "no bytecode could be kept; the first run takes longer"
echo "$made_from" >"$stamp"
say "ready after $((SECONDS - started)) s"
