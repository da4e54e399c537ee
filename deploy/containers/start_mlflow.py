"""Starts MLflow's server with what its environment names: database, first user, secrets from files.

MLFLOW_DATABASE: user@host:port (default mlflow@postgres:5432); it has two databases there, mlflow and mlflow_logins.
MLFLOW_DATABASE_PASSWORD_FILE, MLFLOW_ADMIN_PASSWORD_FILE, MLFLOW_SESSION_KEY_FILE: files with one secret each.
MLFLOW_ADMIN: the first user (default keeper).  MLFLOW_WORKERS: processes that answer (default 2).
MLFLOW_ALLOWED_HOSTS: names by which callers may ask for it, separated by commas.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

LOGINS = Path("/tmp/logins.ini")
HEADER = "[mlflow]\n"


def secret(name: str) -> str:
    file = os.environ.get(name)
    if not file:
        sys.exit(f"error: {name} names no file")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        sys.exit(f"error: {name}: {file} cannot be read: {error.strerror}")


def main() -> None:
    user, _, host = os.environ.get("MLFLOW_DATABASE", "mlflow@postgres:5432").partition("@")
    address = f"postgresql+psycopg://{user}:{quote(secret('MLFLOW_DATABASE_PASSWORD_FILE'), safe='')}@{host}"
    os.umask(0o077)
    LOGINS.write_text(
        f"{HEADER}default_permission = READ\n"
        # a % begins a variable in such a file
        f"database_uri = {address.replace('%', '%%')}/mlflow_logins\n"
        f"admin_username = {os.environ.get('MLFLOW_ADMIN', 'keeper')}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        "auth_cache_ttl_seconds = 600\n",
        encoding="utf-8",
    )
    os.environ |= {
        "MLFLOW_AUTH_CONFIG_PATH": str(LOGINS),
        "MLFLOW_AUTH_ADMIN_PASSWORD": secret("MLFLOW_ADMIN_PASSWORD_FILE"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret("MLFLOW_SESSION_KEY_FILE"),
        "MLFLOW_BACKEND_STORE_URI": f"{address}/mlflow",  # not an argument, which every user of the machine could read
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    hosts = os.environ.get("MLFLOW_ALLOWED_HOSTS", "localhost:5000,127.0.0.1:5000,mlflow:5000")
    os.execvp(
        "mlflow",
        ["mlflow", "server", "--app-name", "basic-auth", "--serve-artifacts", "--artifacts-destination", "/artifacts",
         "--host", "0.0.0.0", "--port", "5000", "--workers", os.environ.get("MLFLOW_WORKERS", "2"),
         "--allowed-hosts", hosts],
    )  # fmt: skip


if __name__ == "__main__":
    main()
