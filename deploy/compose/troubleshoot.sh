#!/usr/bin/env bash
# What is wrong with the stack of compose.yaml: one line for each thing looked at, a hint below each that is wrong.
# COMPOSE: the command with its files, as `make troubleshoot` gives it. Ends with 1 when something is wrong.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
read -ra compose <<<"${COMPOSE:-docker compose --file deploy/compose/compose.yaml}"
secrets=deploy/compose/secrets
wrong=0

well() { echo "ok       $1"; }
bad() { # WHAT HINT...
  echo "WRONG    $1"
  shift
  printf '           %s\n' "$@"
  wrong=1
}

if ! said=$(docker version --format '{{.Server.Version}}' 2>&1); then
  bad "the engine does not answer: ${said##*$'\n'}" "is it started, may you use it (group docker), is DOCKER_HOST right?"
  exit 1
fi
well "the engine answers"

if ! "${compose[@]}" version >/dev/null 2>&1; then
  bad "there is no compose" "install Docker's compose plugin, or a docker-compose of version 2 or newer"
  exit 1
fi
if ! said=$("${compose[@]}" --profile '*' config --quiet 2>&1); then
  bad "compose cannot read its file or .env" "${said##*$'\n'}" "compare .env with .env.example"
  exit 1
fi

missing=()
# shellcheck disable=SC2013
for secret in $(sed -n 's/^  \([a-z_]*\): {file: .*/\1/p' deploy/compose/compose.yaml); do
  if [[ ! -e $secrets/$secret ]]; then
    missing+=("$secret")
  elif [[ ! -s $secrets/$secret ]]; then
    bad "the secret $secret is empty" "lay the value into $secrets/$secret; or remove the file, and make up makes a new one"
  fi
done
case ${#missing[@]} in
  0) well "the secrets are there" ;;
  *) bad "missing in $secrets: ${missing[*]}" "lay your own there; or make up makes new ones, which do not open what former ones closed" ;;
esac

for image in $("${compose[@]}" --profile '*' config --images | sort -u); do
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

# What a service's last words mean; nothing, where they are not known.
known_words() {
  local user
  user=$(sed -n 's/.*password authentication failed for user "\([a-z]*\)".*/\1/p' <<<"$1" | tail -1)
  case $1 in
    *"No space left on device"*) echo "a disk is full: df, docker system df" ;;
    *"password authentication failed"*)
      echo "Postgres' volume keeps the passwords of its first start: lay the former $secrets/${user}_database_password back,"
      echo "or tell Postgres the new one: docs/troubleshooting.md"
      ;;
    *"host name \"postgres\""* | *"host 'postgres'"*) echo "it finds no postgres: mend that first, then it recovers by itself" ;;
    *"has been promoted to"* | *"has no alias"*) echo "promote a version, or MODEL_ALIAS=candidate in .env; docs/containers.md" ;;
    *"file of API keys"*) echo "look at $secrets/api_keys; without it make up makes one" ;;
    *"ermission denied"*) echo "whose are the files of its volumes? docs/troubleshooting.md" ;;
  esac
}

last_words() { docker logs --tail "$1" "$2" 2>&1 | cut -c1-300; }

# A service that is not as it should be: why, as far as that can be seen.
explain() { # SERVICE CONTAINER STATE HEALTH EXIT_CODE
  local hint="" restarts failed no_memory
  IFS='|' read -r restarts no_memory failed < <(docker inspect --format '{{.RestartCount}}|{{.State.OOMKilled}}|{{.State.Error}}' "$2")
  # Postgres' log tells what it refused to others.
  [[ $1 == postgres ]] || hint=$(known_words "$(last_words 20 "$2")")
  case $3/$4 in
    created/*) hint="made and not started: what it needs did not start, or its port is taken; then choose another in .env" ;;
    exited/* | dead/*) : "${hint:=it ended, or was stopped: its last words tell why; make up starts it again}" ;;
    restarting/* | running/starting)
      if ((restarts)); then
        : "${hint:=it ends as soon as it is started, $restarts times now: its last words tell why}"
      else
        : "${hint:=it is starting: look again in a minute}"
      fi
      ;;
    *) : "${hint:=it runs and does not answer as it should: its last words may tell why}" ;;
  esac
  [[ $no_memory != true ]] || hint="it took more memory than there is"
  mapfile -t hints <<<"$hint"
  bad "$1: $3${4:+ ($4)}, exit code $5" ${failed:+"$failed"} "${hints[@]}"
  last_words 8 "$2" | sed 's/^/           | /'
}

containers=$("${compose[@]}" --profile '*' ps --all --format '{{.Service}}|{{.Name}}|{{.State}}|{{.Health}}|{{.ExitCode}}')
running=0
while IFS='|' read -r service name state health exit; do
  [[ -n $service ]] || continue
  running=1
  case $service/$state/$health/$exit in
    */running/healthy/* | */running//*) well "$service: $state${health:+ ($health)}" ;;
    airflow-database/exited//0 | batch/exited//0) well "$service: did its work" ;;
    *) explain "$service" "$name" "$state" "$health" "$exit" ;;
  esac
done < <(grep '^postgres|' <<<"$containers"; grep -v '^postgres|' <<<"$containers") # the others need it
if ((!running)); then
  bad "nothing of it was started" "make up, or make up-serve"
  for port in $("${compose[@]}" --profile '*' config | sed -n 's/.*published: "\([0-9]*\)"/\1/p' | sort -u); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      bad "port $port is taken by another program" "choose another one in .env"
    fi
  done
fi
exit $wrong
