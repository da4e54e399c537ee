#!/usr/bin/env bash
# terraform.sh init|plan|apply|destroy aws|gcp: Terraform in deploy/terraform/CLOUD. Nothing is made or taken away but by a
# plan that was shown, and after a yes: typed, or CONFIRM=yes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

act=${1:-}
cloud=${2:-}
if [[ ! $cloud =~ ^(aws|gcp)$ ]]; then
  say "which cloud? make terraform-$act CLOUD=aws, or CLOUD=gcp"
  exit 2
fi
if ! command -v terraform >/dev/null; then
  say "Terraform is not installed: see https://developer.hashicorp.com/terraform/install"
  exit 2
fi
cd "deploy/terraform/$cloud"
readonly PLAN=creditrisk.tfplan

need() {
  if [[ ! -e $1 ]]; then
    say "no deploy/terraform/$cloud/$1: $2"
    exit 2
  fi
}

confirmed() {
  local typed=${CONFIRM:-}
  if [[ $typed != yes && -t 0 ]]; then
    read -rp "$1 Type yes: " typed
  fi
  if [[ $typed != yes ]]; then
    say "nothing was done: $1 CONFIRM=yes says yes where nobody can type"
    exit 1
  fi
}

case $act in
init)
  need backend.hcl "copy backend.hcl.example and name the bucket of the state"
  terraform init -input=false -backend-config=backend.hcl
  ;;
plan)
  need .terraform "make terraform-init CLOUD=$cloud comes first"
  need terraform.tfvars "copy one of examples/ and set your values"
  terraform plan -input=false -out="$PLAN"
  ;;
apply)
  need "$PLAN" "make terraform-plan CLOUD=$cloud comes first: what is made is what it showed"
  terraform show -no-color "$PLAN" | grep -E '^(Plan:|No changes)' || true
  confirmed "Make what the plan says in $cloud?"
  # A plan is good for one apply; one that fails half-way is planned anew, from what there is by then.
  trap 'rm -f "$PLAN"' EXIT
  terraform apply -input=false "$PLAN"
  ;;
destroy)
  need .terraform "make terraform-init CLOUD=$cloud comes first"
  need terraform.tfvars "copy one of examples/ and set your values"
  trap 'rm -f destroy.tfplan' EXIT
  terraform plan -destroy -input=false -out=destroy.tfplan
  confirmed "Take all of this away in $cloud?"
  terraform apply -input=false destroy.tfplan
  ;;
*)
  say "init, plan, apply or destroy"
  exit 2
  ;;
esac
