#!/usr/bin/env bash
# build.sh IMAGE...: builds them from the files of this commit, tagged with it and as latest. BASE_IMAGE, where the base
# comes from another place than Docker Hub.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[[ -z $(git status --porcelain 2>/dev/null) ]] || revision+=-changed
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
for image in "$@"; do
  echo "== creditrisk-$image $version $revision" >&2
  DOCKER_BUILDKIT=1 docker build --file "deploy/containers/Dockerfile.$image" \
    --tag "creditrisk-$image:latest" --tag "creditrisk-$image:$revision" \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    ${BASE_IMAGE:+--build-arg "BASE_IMAGE=$BASE_IMAGE"} .
done
docker images --format '{{.Repository}}:{{.Tag}}  {{.Size}}' | grep '^creditrisk-.*:latest' >&2
