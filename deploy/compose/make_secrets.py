"""Makes the secrets of compose.yaml that are missing, each random, in a folder that only its owner may enter.

make_secrets.py FOLDER: prints the names of what it made, never a value. What is there is left alone. The files may be
read by all, because the engine shows them to a container's own user; nobody reaches them through the folder.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

PASSWORDS = (
    "postgres_password", "mlflow_database_password", "mlflow_admin_password", "mlflow_session_key",
    "decisions_database_password", "airflow_database_password", "airflow_jwt_secret", "grafana_admin_password",
)  # fmt: skip
KEYS_OF_32_BYTES = ("signing_key", "payload_key")
CALLERS = {"prometheus_key": ("prometheus", "read"), "api_admin_key": ("admin", "admin")}
"""File of a key to the API: who holds it, and its role."""
LOST = {
    "payload_key": "what the former one closed stays closed: lay that back before the next decision",
    "mlflow_database_password": "Postgres keeps the former one where its volume is older: docs/troubleshooting.md",
    "airflow_fernet_key": "connections and variables that Airflow keeps cannot be read without the former one",
}
"""What it means when one of these alone is made anew."""


def make(folder: Path) -> list[str]:
    """Names of the files that were made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    made: list[str] = []

    def need(name: str, text: str) -> str:
        path = folder / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="ascii") as file:
                file.write(text)
            path.chmod(0o644)
            made.append(name)
        return path.read_text(encoding="ascii").strip()

    for name in PASSWORDS:
        need(name, secrets.token_urlsafe(32))
    for name in KEYS_OF_32_BYTES:
        need(name, base64.b64encode(secrets.token_bytes(32)).decode())
    need("airflow_fernet_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    need("airflow_passwords", json.dumps({"keeper": secrets.token_urlsafe(24)}))
    for user, scheme in (("decisions", "postgresql"), ("airflow", "postgresql+psycopg2")):
        password = need(f"{user}_database_password", "")
        need(f"{user}_url" if user == "decisions" else f"{user}_database_url",
             f"{scheme}://{user}:{password}@postgres:5432/{user}")  # fmt: skip
    lines = []
    for name, (caller, role) in CALLERS.items():
        key = need(name, f"crk_{secrets.token_urlsafe(32)}")
        lines.append(f"{caller} {role} sha256:{hashlib.sha256(key.encode()).hexdigest()}")
    need("api_keys", "\n".join(lines) + "\n")
    return made


if __name__ == "__main__":
    into = Path(sys.argv[1])
    stood = {file.name for file in into.iterdir()} if into.exists() else set()
    for name in make(into):
        print(f"made {into / name}")  # noqa: T201
        if stood and name in LOST:
            sys.stderr.write(f"warning: {name} was missing beside others and is new now: {LOST[name]}\n")
