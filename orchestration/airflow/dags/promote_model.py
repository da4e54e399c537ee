"""promote_model__<book>: a person says yes, then the rules of the house say whether that is enough."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import chain
from creditrisk_airflow.books import Book, books
from creditrisk_airflow.commands import REFUSED, Creditrisk
from creditrisk_airflow.dags import candidate, dag_of, production

DOC = """
Starts when a candidate was registered and its canary passed.

`approve` waits for a person. **Their yes is no signature**: `promote` looks at evidence, gates, canary and signed
approvals again (`creditrisk approve`, each with a key of their own, never by whoever trained): without them it refuses.
After "Reject" nothing moves and the run ends well.
"""
FOUND = "ti.xcom_pull(task_ids='look')"
WHO = "{{ (ti.xcom_pull(task_ids='approve')['responded_by_user'] or {}).get('name', 'somebody') }}"
SUBJECT = f"{{{{ {FOUND}['version'] }}}}"
BODY = f"""
Bundle `{{{{ {FOUND}['bundle_sha256'] }}}}`.
{{% for objection in {FOUND}['objections'] %}}
- stands against it now: {{{{ objection }}}}
{{% else %}}
Nothing stands against it.
{{% endfor %}}
"""


def promote_model(book: Book) -> None:
    with dag_of(book, "promote_model", DOC, after=candidate(book)):
        look = Creditrisk(
            task_id="look",
            command="auto-promote",
            book=book.argument,
            flags=["--dry-run"],
            keep=["version", "bundle_sha256", "objections"],
            answers=(0, REFUSED),
        )
        approve = ApprovalOperator(
            task_id="approve",
            subject=f"{book.name}: version {SUBJECT} to production?",
            body=BODY,
            response_timeout=timedelta(days=7),
            retries=0,  # nobody answered: asking again for a week is for a person to decide
        )
        promote = Creditrisk(
            task_id="promote",
            command="promote",
            book=book.argument,
            options={
                # The one that was looked at, whatever is registered since.
                "--version": f"{{{{ {FOUND}['version'] }}}}",
                "--to": "production",
                "--note": f"in Airflow {WHO} said yes to run {{{{ run_id }}}}",
            },
            keep=["version", "bundle_sha256", "moved"],
            outlets=[production(book)],
        )
        manifest = Creditrisk(task_id="manifest", command="manifest", book=book.argument)
        chain(look, approve, promote, manifest)


for one in books():
    promote_model(one)
