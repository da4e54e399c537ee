#!/bin/bash
# What the official image does on a start: a new volume is made a cluster, and the scripts of initdb.d are run once.
set -euo pipefail
as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
data=/var/lib/postgresql/data
install -d -o postgres -g postgres -m 700 "$data" /run/postgresql
if [[ ! -s $data/PG_VERSION ]]; then
  "${as_postgres[@]}" initdb --pgdata "$data" --username postgres --encoding UTF8 --locale C.UTF-8 --pwfile "$POSTGRES_PASSWORD_FILE" \
    --auth-local trust --auth-host scram-sha-256 >/dev/null
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  "${as_postgres[@]}" pg_ctl --pgdata "$data" --options "-c listen_addresses=''" --wait start >/dev/null
  for script in /docker-entrypoint-initdb.d/*.sh; do
    "${as_postgres[@]}" bash "$script"
  done
  "${as_postgres[@]}" pg_ctl --pgdata "$data" --wait stop >/dev/null
fi
exec "${as_postgres[@]}" postgres -D "$data" -c listen_addresses='*'
