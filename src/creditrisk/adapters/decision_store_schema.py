"""Brings a decision store to this version's schema: an older one is migrated, a newer one is refused."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from creditrisk.errors import NewerSchema

SCHEMA = "v0001"
"""The last step in decision_store_migrations/versions."""

VERSION_TABLE = "decision_store_schema"
"""Not Alembic's usual name: the database may be shared with MLflow, which uses that one."""

MIGRATIONS = Path(__file__).with_name("decision_store_migrations")


def found_schema(connection: sa.Connection) -> str | None:
    """None where there are no tables of the decision store yet."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    name: str | None = connection.execute(
        sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
    ).scalar()
    return name


def migrate(connection: sa.Connection, *, where: str) -> None:
    """In the connection's transaction, whole or not at all; whoever calls it keeps others out meanwhile.

    Raises NewerSchema for steps that this version does not know.
    """
    found = found_schema(connection)
    if found == SCHEMA:
        return
    need_known(found, where=where)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")


def need_known(found: str | None, *, where: str) -> None:
    if found is not None and found not in known_steps():
        raise NewerSchema(
            f"the decision store has schema {found}, this version knows {SCHEMA}",
            where=where,
            hint="use the version of creditrisk that migrated it, or a newer one",
        )


def known_steps() -> list[str]:
    """Names of all steps, oldest first."""
    files = (MIGRATIONS / "versions").glob("v[0-9]*.py")
    return sorted(path.stem.partition("_")[0] for path in files)
