#!/usr/bin/env bash
# Builds an image of this commit and pushes it by commit and `latest`; scripts/publish_image.sh api|batch
#
# IMAGE_REGISTRY: registry.example.org/creditrisk, or AWS's own.  REGISTRY_USER, REGISTRY_TOKEN: not needed for AWS.
# Prints (or hands to later steps, in GITHUB_OUTPUT) NAME=REGISTRY/creditrisk-NAME and NAME_digest=sha256:..., both empty
# where nothing was pushed, and leaves sbom-NAME.cdx.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

name=${1:?which image? api or batch}
commit=$(git rev-parse HEAD)
registry=${IMAGE_REGISTRY:-}
registry=${registry,,} # a registry takes no capitals, owners of repositories have them
image=${registry:+$registry/}creditrisk-$name

deploy/containers/build.sh "$name" >&2
for tag in "$commit" latest; do
  docker tag "creditrisk-$name:latest" "$image:$tag"
done
SYFT_CHECK_FOR_APP_UPDATE=false .cache/env/infra/bin/syft scan --quiet "docker:$image:$commit" \
  --output "cyclonedx-json=sbom-$name.cdx.json"

digest=
case $registry in
  *.dkr.ecr.*)
    host=${registry%%/*}
    region=${host#*.ecr.}
    aws ecr get-login-password --region "${region%%.*}" | docker login --username AWS --password-stdin "$host" >&2
    may_push=true
    ;;
  *)
    may_push=false
    if [[ -n $registry && -n ${REGISTRY_TOKEN:-} ]]; then
      docker login --username "${REGISTRY_USER:?}" --password-stdin "${registry%%/*}" <<<"$REGISTRY_TOKEN" >&2
      may_push=true
    fi
    ;;
esac
if $may_push; then
  docker push --quiet "$image:$commit" >&2
  docker push --quiet "$image:latest" >&2
  digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image:$commit" | grep "^$image@" | head -1)
  digest=${digest#*@}
  [[ $digest == sha256:* ]] || { say "the registry told no digest of $image:$commit"; exit 3; }
else
  echo "- **left out**: pushing, signing and attesting creditrisk-$name: no registry may be written to" |
    tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}" >&2
  image=
fi
{
  echo "$name=$image"
  echo "${name}_digest=$digest"
} >>"${GITHUB_OUTPUT:-/dev/stdout}"
