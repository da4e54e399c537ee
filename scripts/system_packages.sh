#!/usr/bin/env bash
# Brings the Debian packages that tests need, where they are missing; with `infra`, those of tests/infra too.
# Needs root and apt-get; elsewhere it names them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/toolchain.sh

missing=()
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium) # looks at the pages
command -v java >/dev/null || missing+=(openjdk-17-jre-headless) # runs Spark
command -v npm >/dev/null || missing+=(npm) # brings Azurite, see node_packages.sh
command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql) # keeps decisions
command -v prometheus >/dev/null || missing+=(prometheus) # asks the alert rules and the dashboards' expressions
command -v prometheus-node-exporter >/dev/null || missing+=(prometheus-node-exporter) # reads the text file of figures
command -v prometheus-pushgateway >/dev/null || missing+=(prometheus-pushgateway) # is pushed them
command -v haproxy >/dev/null || missing+=(haproxy) # stands before several servers
command -v strace >/dev/null || missing+=(strace) # sees that they are synced before they are answered
if [[ ${1:-} == infra ]]; then
  command -v dockerd >/dev/null || missing+=(docker.io iptables) # builds and runs the images
  command -v debootstrap >/dev/null || missing+=(debootstrap) # makes the base image that stands in for the official one
  [[ -x /usr/sbin/sshd ]] || command -v sshd >/dev/null || missing+=(openssh-server) # is the host that is deployed to
  command -v ssh >/dev/null || missing+=(openssh-client) # reaches it
  command -v shellcheck >/dev/null || missing+=(shellcheck) # reads the workflows' and the machines' scripts
fi
if ((${#missing[@]} == 0)); then
  exit 0
fi
if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
  say "not installed: ${missing[*]}; their tests are skipped. As root: apt-get install ${missing[*]}"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 # no server is started
for try in 1 2 3; do
  say "installing ${missing[*]} (try $try)"
  if apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null; then
    exit 0
  fi
  sleep $((try * 10))
done
say "could not install: ${missing[*]}"
exit 3
