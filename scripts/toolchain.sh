# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts, from the repository's root: finds Python and uv wherever they are.

PYTHON_WANTED=3.12
IS_RECENT='import sqlite3, ssl, sys; sys.exit(sys.version_info < (3, 12))'
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}" # seconds; slow lines are no reason to fail

say() { echo "$(basename "$0"): $*" >&2; }

# Prints the real path of the first interpreter among its arguments that is recent enough (a pyenv shim is not one).
recent_python() {
  local name real
  for name in "$@"; do
    real=$("$name" -c "import sys; print(sys.executable); $IS_RECENT" 2>/dev/null) && { echo "$real"; return; }
  done
  return 1
}

pyenv_root() {
  local shim
  shim=$(type -ap python3 python | grep -m1 '/shims/' || true)
  echo "${PYENV_ROOT:-${shim:+${shim%/shims/*}}}"
}

# Prints a Python >= 3.12: from PATH, then from pyenv; nothing when there is none.
find_python() {
  local root
  recent_python python3.12 python3.13 python3.14 python3 python && return
  root=$(pyenv_root)
  recent_python "${root:-${HOME:-/root}/.pyenv}"/versions/3.1[2-4].*/bin/python || true
}

# Prints a uv that runs (a pyenv shim may point at a version without it); installs one under .cache where there is none.
find_uv() {
  local own=.cache/uv/bin/uv candidate
  for candidate in uv "$PWD/$own"; do
    "$candidate" --version >/dev/null 2>&1 && { command -v "$candidate"; return; }
  done
  say "installing uv under .cache"
  install_uv >&2
  echo "$PWD/$own"
}

install_uv() {
  local host
  host=$(command -v python3 || command -v python) || { say "no Python at all: install python3 and python3-pip"; return 3; }
  rm -rf .cache/uv
  if "$host" -m venv .cache/uv/venv 2>/dev/null; then
    host=$PWD/.cache/uv/venv/bin/python
  fi
  "$host" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --target .cache/uv --requirement requirements/uv.txt
}
