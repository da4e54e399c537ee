#!/usr/bin/env bash
# One step of the delivery of one book; .github/workflows/cd.yaml and nightly.yaml are lists of these, and so can any other
# CI be: docs/workflows.md. Runs after `make env`.
#
#   BOOK=home_credit scripts/delivery.sh STEP
#
# What cannot be done for want of a setting is told in the job's summary and is no failure; `key=value` lines for later
# steps go to GITHUB_OUTPUT, else to stdout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

step=${1:?which step? see docs/workflows.md}
book=${BOOK:?BOOK says which book}
[[ $book =~ ^[a-z][a-z0-9_]*$ ]] || { say "BOOK is a name of params.yaml: small letters, digits, _"; exit 2; }
folder=$(sed -n 's/^portfolios: *//p' params.yaml)/$book
here=workspace/$book
[[ -f $folder/portfolio.yaml ]] || { say "no book in $folder"; exit 2; }

# Where a secret or variable does not exist, CI systems give an empty one, which is no address and no key.
for name in API_URL CREDITRISK_DECISIONS_URL CREDITRISK_DEPLOY_API_KEY MLFLOW_TRACKING_PASSWORD MLFLOW_TRACKING_URI \
  MLFLOW_TRACKING_USERNAME; do
  [[ -n ${!name:-} ]] || unset "$name"
done

creditrisk() { .venv/bin/creditrisk "$@"; }
summary() { tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}" >&2 <<<"$1"; }
left_out() { summary "- **left out**: $1"; }
ever_promoted() { grep -qs '"aliases":{[^}]*"production":' "$here/deployments.jsonl"; }
hand_on() { echo "$1" >>"${GITHUB_OUTPUT:-/dev/stdout}"; }

# Raw tables that DVC keeps come from its remote; invented ones are made by the pipeline itself.
data() {
  local kept=raw/$book.dvc brought
  if [[ ! -f $kept ]]; then
    summary "- no $kept: the raw tables of $book are those that the pipeline invents"
    hand_on ready=true
    return
  fi
  if [[ -z ${DVC_REMOTE_URL:-} ]]; then
    left_out "everything of $book: its raw tables are in DVC's remote, and DVC_REMOTE_URL is not set"
    hand_on ready=false
    return
  fi
  scripts/dvc_remote.sh
  .venv/bin/dvc pull --force "$kept"
  # A file that was just downloaded looks new. Nobody has seen this one change since the commit that names it.
  brought=$(git log -1 --format=%cI -- "$kept")
  find "raw/$book" -type f -exec touch --date "$brought" {} +
  summary "- raw tables of $book pulled; their commit is of $brought"
  hand_on ready=true
}

# Audit chain, ledger, evidence, approvals, and MLflow's data where there is no server: what a runner would forget.
workspace() {
  if [[ -z ${WORKSPACE_URL:-} ]]; then
    left_out "the workspace of earlier runs ($1): WORKSPACE_URL is not set, so nothing is approved or in production here"
    return
  fi
  .venv/bin/python -m scripts.workspace_archive "$1" workspace "$WORKSPACE_URL/$book.tar.gz"
}

rebuild() { .venv/bin/dvc repro --force "register@$book"; }

drift() { .venv/bin/dvc repro "drift@$book"; }

freshness() {
  local limit=${MAX_AGE_HOURS:-}
  if [[ -z $limit ]] && ! grep -Eq '^ +max_age_hours:|[{ ]max_age_hours:' "$folder/portfolio.yaml"; then
    limit=48
    summary "- the book says no \`monitoring.max_age_hours\`: 48 hours are taken as the limit"
  fi
  creditrisk freshness "$folder" ${limit:+--max-age-hours "$limit"} --fail-on-stale
}

canary() { creditrisk canary "$folder"; }

# Moved, or there already: the model may be rolled out. Refused is an answer and no failure: approvals take people.
promote() {
  local code=0 moved=false told
  told=$(mktemp)
  creditrisk auto-promote "$folder" --note "${NOTE:-}" --json >"$told" || code=$?
  case $code in
    0)
      moved=$(.venv/bin/python -c 'import json, sys; print(str(json.load(sys.stdin)["moved"]).lower())' <"$told")
      hand_on promoted=true
      summary "- the candidate decides in production (moved now: $moved)"
      ;;
    1)
      hand_on promoted=false
      left_out "promotion and rollout: the candidate is held back. What stands against it:"
      .venv/bin/python -c 'import json, sys
for objection in json.load(sys.stdin).get("objections", []): print(f"  - {objection}")' <"$told" |
        tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}" >&2
      ;;
    *) exit "$code" ;;
  esac
  hand_on moved="$moved"
}

# Looks at all of it even where one look ends in a refusal, and fails if one did.
monitor() {
  local code=0
  if ! ever_promoted; then
    left_out "monitoring: nothing of $book was ever promoted here"
    return
  fi
  if [[ -n ${CREDITRISK_DECISIONS_URL:-} || -f workspace/decisions.db ]]; then
    creditrisk monitor production "$folder" || code=$?
    creditrisk monitor outcomes "$folder" || code=$?
  else
    left_out "what was decided, and its outcomes: CREDITRISK_DECISIONS_URL is not set"
  fi
  creditrisk monitor alarms "$folder" || code=$?
  return "$code"
}

# The rebuild of this very night is the candidate: the trigger is opened, the stages do not run a second time.
retrain() {
  if ! ever_promoted; then
    left_out "the retrain trigger: nothing of $book was ever promoted here"
    return
  fi
  creditrisk retrain "$folder" --open-only
}

manifest() {
  creditrisk manifest "$folder" --image "api=${API_IMAGE:?}" --image "batch=${BATCH_IMAGE:?}" --endpoint "${API_URL:?}"
}

# May this run roll out? Every reason that stands against it is told.
can_deploy() {
  local ready=true
  why() { left_out "the rollout: $1"; ready=false; }
  [[ ${PROMOTED:-} == true ]] || why "no model of $book was promoted in this run"
  [[ -n ${AWS_DEPLOY_ROLE:-} ]] || why "AWS_DEPLOY_ROLE is not set"
  [[ -n ${API_URL:-} ]] || why "API_URL is not set: nobody could try what was deployed"
  [[ -n ${WORKSPACE_URL:-} ]] || why "WORKSPACE_URL is not set: there is no ledger to write into"
  [[ -n ${API_IMAGE:-} && -n ${BATCH_IMAGE:-} ]] || why "the images were not pushed"
  hand_on ready="$ready"
}

# Waits, tries /health, /ready and /predict, and puts the former image back by itself where anything fails.
deploy() {
  creditrisk deploy ecs "$folder" --manifest "$here/reports/deploy_manifest.json" --cluster "${ECS_CLUSTER:-creditrisk}" \
    --service "${ECS_SERVICE:-creditrisk-api}" --note "${NOTE:-}"
}

# The image is back already. A model that came to production in this very run goes back too: servers follow the alias.
roll_back() {
  if [[ ${MOVED:-} != true ]]; then
    summary "- rolled back: the image; the model was in production before this run and stays"
    return
  fi
  creditrisk rollback "$folder" --note "rollout failed: ${NOTE:-}"
  summary "- rolled back: image and model; the version that was taken away needs new approvals"
}

case $step in
  data | rebuild | drift | freshness | canary | promote | monitor | retrain | manifest | deploy) "$step" ;;
  can-deploy) can_deploy ;;
  roll-back) roll_back ;;
  fetch-workspace) workspace fetch ;;
  keep-workspace) workspace keep ;;
  *) say "no step $step"; exit 2 ;;
esac
