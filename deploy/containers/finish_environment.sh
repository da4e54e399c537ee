#!/bin/sh
# finish_environment.sh ENVIRONMENT [LIST]: the last step of building an image's environment. Takes out what LIST names
# (patterns under site-packages; one that matches nothing fails the build), then keeps bytecode that tells no time.
set -eu
environment=$1
here=$(realpath "$(dirname "$0")")
packages=$(echo "$environment"/lib/python3.*/site-packages)
if [ $# -gt 1 ]; then
  list=$(realpath "$2")
  cd "$packages"
  sed -e 's/ *#.*//' -e '/^$/d' "$list" | while read -r pattern; do
    # unquoted: the pattern is to be expanded
    # shellcheck disable=SC2086
    rm -r $pattern || exit 1
  done
fi
find "$packages" -type d -name tests -path '*/site-packages/[a-z]*' -prune -exec rm -r {} +
find "$packages" -name __pycache__ -prune -exec rm -r {} + # of what was taken out, too
"$environment/bin/python" -B "$here/slim_libraries.py" "$packages"
# LightGBM asks the system for OpenMP, which a slim image has not; XGBoost brings its own. By this name both share one.
mkdir -p "$environment/lib/openmp"
ln -s "$(echo "$packages"/xgboost_cpu.libs/libgomp-*)" "$environment/lib/openmp/libgomp.so.1"
"$environment/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$packages"
