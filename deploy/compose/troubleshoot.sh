#!/usr/bin/env bash
# What is wrong with the stack of compose.yaml: one line for each thing looked at, a hint below each that is wrong.
# COMPOSE: the command with its files, as `make troubleshoot` gives it. Ends with 1 when something is wrong.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
read -ra compose <<<"${COMPOSE:-docker compose --file deploy/compose/compose.yaml}"
wrong=0

well() { echo "ok       $1"; }
bad() {
  echo "WRONG    $1"
  echo "           $2"
  wrong=1
}

if ! docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
  bad "the engine does not answer" "is it started, may you use it (group docker), is DOCKER_HOST right?"
  exit 1
fi
well "the engine answers"

# shellcheck disable=SC2013
for secret in $(sed -n 's/^  \([a-z_]*\): {file: .*/\1/p' deploy/compose/compose.yaml); do
  file=deploy/compose/secrets/$secret
  if [[ ! -e $file ]]; then
    bad "the secret $secret is missing" "make up makes it; or lay your own into $file"
  elif [[ ! -s $file ]]; then
    bad "the secret $secret is empty" "remove $file and run make up, or lay your own there"
  fi
done

for image in $("${compose[@]}" --profile '*' config --images 2>/dev/null | sort -u); do
  docker image inspect "$image" >/dev/null 2>&1 && continue
  case $image in
    creditrisk-*) name=${image#creditrisk-} && bad "no image $image" "make images IMAGES=${name%%:*}" ;;
    *) bad "no image $image" "docker pull $image; or is the registry out of reach?" ;;
  esac
done

free=$(df --output=avail -k "$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)" 2>/dev/null | tail -1)
if ((${free:-99999999} < 2 * 1024 * 1024)); then
  bad "less than 2 GB are free where the engine keeps its data" "docker system df tells what takes it; docker image prune"
else
  well "there is room on the engine's disk"
fi

running=0
while IFS='|' read -r service name state health exit; do
  [[ -n $service ]] || continue
  running=1
  case "$state/$health/$exit" in
    running/healthy/* | running//* | exited//0) well "$service: $state ${health:+($health)}" ;;
    *)
      case $service in
        api) hint="is a version in production (--alias candidate otherwise), do its keys and the store answer?" ;;
        mlflow | airflow*) hint="does postgres answer, with the password its volume was made with?" ;;
        postgres) hint="its volume keeps the passwords of its first start: docs/troubleshooting.md" ;;
        *) hint="its last words tell" ;;
      esac
      bad "$service: $state ${health:+($health) }exit code $exit" "$hint"
      docker logs --tail 8 "$name" 2>&1 | sed 's/^/           | /'
      ;;
  esac
done < <("${compose[@]}" --profile '*' ps --all --format '{{.Service}}|{{.Name}}|{{.State}}|{{.Health}}|{{.ExitCode}}')
if ((!running)); then
  bad "nothing of it was started" "make up, or make up-serve"
  for port in $("${compose[@]}" --profile '*' config 2>/dev/null | sed -n 's/.*published: "\([0-9]*\)"/\1/p' | sort -u); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      bad "port $port is taken by another program" "choose another one in .env"
    fi
  done
fi
exit $wrong
