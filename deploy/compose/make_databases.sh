#!/bin/bash
# Run once by the image of Postgres, when its volume is new: a user and its databases for each that keeps something there.
set -euo pipefail
make() { # USER DATABASE...: the password stands in the secret USER_database_password
  local user=$1 password
  shift
  password=$(<"/run/secrets/${user}_database_password")
  psql --username postgres --quiet --set ON_ERROR_STOP=1 --set user="$user" --set password="$password" <<'SQL'
create role :"user" login password :'password';
SQL
  for database in "$@"; do
    createdb --username postgres --owner "$user" "$database"
  done
}
make mlflow mlflow mlflow_logins
make decisions decisions
make airflow airflow
