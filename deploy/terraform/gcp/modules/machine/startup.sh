#!/usr/bin/env bash
# Runs at every start of the machine, as root: Docker, the disk with all volumes, secrets, and the compose stack.
# Doing it twice changes nothing. Its log: sudo journalctl -u google-startup-scripts
#
# All that differs between machines comes from the machine's metadata (main.tf):
#   creditrisk-release            gs://BUCKET/release, with deploy.tar.gz and, for the first start, env
#   creditrisk-registry           host of the images
#   creditrisk-secrets            names of files, each from the secret creditrisk-secret-prefix + name
#   creditrisk-deploy-public-key  may log in as `deploy`; empty = there is no such user
set -euo pipefail

readonly METADATA=http://metadata.google.internal/computeMetadata/v1
readonly HOME_OF_ALL=/opt/creditrisk
readonly STACK=$HOME_OF_ALL/deploy/compose
readonly SECRETS=/run/creditrisk/secrets # in memory: gone when the machine stops
readonly DISK=/dev/disk/by-id/google-data
readonly VOLUMES=/var/lib/docker
readonly SETTINGS=/etc/creditrisk
readonly DEPLOY_HOME=/home/deploy

say() { echo "creditrisk: $*"; }

metadata() { curl -fsS --retry 10 --retry-connrefused -H 'Metadata-Flavor: Google' "$METADATA/$1"; }

attribute() { metadata "instance/attributes/$1"; }

# Of the machine's service account; lasts an hour and is written nowhere.
token() { metadata instance/service-accounts/default/token | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p'; }

# The token goes by a pipe: what stands on a command line is seen by every process.
ask_google() {
  printf 'Authorization: Bearer %s\n' "$(token)" | curl -fsS --retry 5 -H @- "$@"
}

mount_volumes() {
  mkdir -p "$VOLUMES"
  if mountpoint -q "$VOLUMES"; then
    return
  fi
  if ! blkid "$DISK" >/dev/null; then # never formatted: a disk with data always says what it holds
    say "formatting the new disk"
    mkfs.ext4 -q -m 0 -L creditrisk "$DISK"
  fi
  if ! grep -q " $VOLUMES " /etc/fstab; then
    echo "$DISK $VOLUMES ext4 defaults,nofail,discard 0 2" >>/etc/fstab
  fi
  mount "$VOLUMES"
}

install_docker() {
  if command -v dockerd >/dev/null && docker compose version >/dev/null 2>&1; then
    return
  fi
  say "installing Docker from Debian"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends docker.io docker-cli docker-compose unattended-upgrades
}

# Images are pulled as the machine's account: a helper asks for a token whenever one is needed.
log_in_to_registry() {
  local registry
  registry=$(attribute creditrisk-registry)
  mkdir -p "$SETTINGS/docker"
  cat >/usr/local/bin/docker-credential-creditrisk <<'HELPER'
#!/bin/sh
[ "$1" = get ] || exit 0
token=$(curl -fsS -H 'Metadata-Flavor: Google' \
  http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token |
  sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
printf '{"Username": "oauth2accesstoken", "Secret": "%s"}\n' "$token"
HELPER
  chmod 0755 /usr/local/bin/docker-credential-creditrisk
  printf '{"credHelpers": {"%s": "creditrisk"}}\n' "$registry" >"$SETTINGS/docker/config.json"
  if ! grep -q '^DOCKER_CONFIG=' /etc/environment; then
    echo "DOCKER_CONFIG=$SETTINGS/docker" >>/etc/environment
  fi
  export DOCKER_CONFIG=$SETTINGS/docker
}

# What `creditrisk deploy vm` logs in as: Docker and nothing else.
make_deploy_user() {
  local key
  key=$(attribute creditrisk-deploy-public-key)
  if [[ -z $key ]]; then
    return
  fi
  id deploy >/dev/null 2>&1 || useradd --create-home --shell /bin/bash deploy
  usermod --append --groups docker deploy
  mkdir -p "$DEPLOY_HOME/.ssh"
  printf '%s\n' "$key" >"$DEPLOY_HOME/.ssh/authorized_keys"
  chmod -R u=rwX,go= "$DEPLOY_HOME/.ssh"
  chown -R deploy:deploy "$DEPLOY_HOME/.ssh"
}

# One file for each secret. One that has no value yet is named, and the stack is not started without it.
fetch_secrets() {
  local project prefix name missing=()
  project=$(metadata project/project-id)
  prefix=$(attribute creditrisk-secret-prefix)
  mkdir -p "$SECRETS"
  chmod 0711 "${SECRETS%/*}" "$SECRETS"
  for name in $(attribute creditrisk-secrets); do
    local from="https://secretmanager.googleapis.com/v1/projects/$project/secrets/$prefix$name/versions/latest:access"
    if ask_google "$from" | sed -n 's/.*"data": *"\([^"]*\)".*/\1/p' | base64 -d >"$SECRETS/$name.partial" && [[ -s $SECRETS/$name.partial ]]; then
      chmod 0444 "$SECRETS/$name.partial" # containers read it as users of their own; the folder lists nothing to others
      mv "$SECRETS/$name.partial" "$SECRETS/$name"
    else
      rm -f "$SECRETS/$name.partial"
      missing+=("$prefix$name")
    fi
  done
  if ((${#missing[@]})); then
    say "no value yet: ${missing[*]}"
    say "put each with: gcloud secrets versions add NAME --data-file=-, then: sudo google_metadata_script_runner startup"
    return 1
  fi
}

# An object of the bucket, by its address gs://BUCKET/NAME.
fetch() {
  local bucket=${1#gs://} name
  name=${bucket#*/}
  bucket=${bucket%%/*}
  ask_google -o "$2" "https://storage.googleapis.com/storage/v1/b/$bucket/o/${name//\//%2F}?alt=media"
}

fetch_release() {
  local release partial
  release=$(attribute creditrisk-release)
  partial=$(mktemp -d)
  if ! fetch "$release/deploy.tar.gz" "$partial/deploy.tar.gz"; then
    say "no release yet: gcloud storage cp deploy.tar.gz $release/, then: sudo google_metadata_script_runner startup"
    rm -rf "$partial"
    return 1
  fi
  mkdir -p "$HOME_OF_ALL"
  tar -xzf "$partial/deploy.tar.gz" -C "$HOME_OF_ALL" --no-same-owner
  # .env is the machine's own from then on: creditrisk deploy vm writes the image into it.
  if [[ ! -e $STACK/.env ]]; then
    if ! fetch "$release/env" "$partial/env"; then
      say "no settings yet: gcloud storage cp .env $release/env, then: sudo google_metadata_script_runner startup"
      rm -rf "$partial"
      return 1
    fi
    install -m 0640 "$partial/env" "$STACK/.env"
  fi
  ln -sfn "$SECRETS" "$STACK/secrets"
  if id deploy >/dev/null 2>&1; then
    chown deploy:deploy "$STACK" "$STACK/.env"
  fi
  rm -rf "$partial"
}

start_stack() {
  systemctl enable --now docker
  cd "$STACK"
  docker compose --profile core --profile serve pull --quiet
  docker compose --profile core --profile serve up --detach --no-build --remove-orphans --wait --wait-timeout 600
  say "the stack answers"
}

mount_volumes
install_docker
log_in_to_registry
make_deploy_user
fetch_secrets
fetch_release
start_stack
