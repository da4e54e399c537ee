#!/usr/bin/env bash
# Signs an image and attests its inventory: scripts/sign_image.sh REGISTRY/NAME@sha256:... sbom.cdx.json
# Keyless: cosign shows who it is by the OIDC token of the job. Elsewhere COSIGN_KEY names a key.
set -euo pipefail
image=${1:?which image?}
sbom=${2:?which inventory?}
[[ $image == *@sha256:* ]] || { echo "sign_image.sh: by digest only; a tag may mean other bytes tomorrow" >&2; exit 2; }
key=(${COSIGN_KEY:+--key "$COSIGN_KEY"})
cosign sign --yes "${key[@]}" "$image"
cosign attest --yes "${key[@]}" --type cyclonedx --predicate "$sbom" "$image"
