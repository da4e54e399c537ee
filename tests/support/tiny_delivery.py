"""A clone that delivers a small book whose raw tables lie in DVC's remote, and the programs of others that it calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.support import act
from tests.support.tiny_book import write_tiny_book
from tests.support.tiny_run import write_tiny_raw

DIGEST = "sha256:" + "5" * 64
CLOUD = {
    "AWS_DEPLOY_ROLE": "arn:aws:iam::123456789012:role/creditrisk-deploy",
    "AWS_REGION": "eu-central-1",
    "IMAGE_REGISTRY": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "API_URL": "https://pd.example.org",
}
"""Settings of the workflows."""


def programs(digest: str = DIGEST) -> dict[str, str]:
    """What a runner has and this machine has not. digest: of every image that is pushed."""
    return {
        "docker": f"""\
case "$1 $2" in
  login*) cat >/dev/null ;;
  images*) echo "creditrisk-x:latest  1MB" ;;
  "image inspect") echo "other.example.org/x@sha256:0"; echo "${{@: -1}}" | sed 's/:[0-9a-f]*$/@{digest}/' ;;
esac""",
        "cosign": "",
        "aws": "echo password",
        "sudo": 'exec "$@"',
    }


SYFT = {"syft": "into=${@: -1}; echo '{}' >\"${into#*=}\""}


def with_tiny_book(clone: Path, remote: Path, *, rows: int = 900, when: str = "") -> None:
    """Instead of the shipped books: a small one whose raw tables, under DVC since then, are invented.

    when: as git takes it; else now.
    """
    write_tiny_book(clone / "books" / "tiny")
    changed(clone, checks_off=[], leak_radar={"released": []}, stability={}, inventory={})
    change_policy = {**told(clone)["policy"], "rebuilders": [], "restricted": []}
    changed(clone, policy=change_policy)
    params = {"books": ["tiny"], "portfolios": "books", "invented": {"books": ["none"], "rows": 0, "seed": 0}}
    (clone / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (clone / "dvc.lock").unlink(missing_ok=True)
    write_tiny_raw(clone / "raw" / "tiny", rows=rows)
    dvc = {**os.environ, "DVC_REMOTE_URL": str(remote), "DVC_SITE_CACHE_DIR": str(clone.parent / "site")}
    for command in ("scripts/dvc_remote.sh", ".venv/bin/dvc add raw/tiny", ".venv/bin/dvc push raw/tiny.dvc"):
        subprocess.run(command.split(), cwd=clone, env=dvc, check=True)
    shutil.rmtree(clone / "raw" / "tiny")
    shutil.rmtree(clone / ".dvc" / "cache")
    act.commit(clone, when)


def told(clone: Path) -> dict[str, object]:
    """The book's portfolio.yaml."""
    path = clone / "books" / "tiny" / "portfolio.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def changed(clone: Path, **keys: object) -> None:
    """The same with these keys. DVC follows the keys that dvc.yaml names, so a book spells them out."""
    path = clone / "books" / "tiny" / "portfolio.yaml"
    path.write_text(yaml.safe_dump({**told(clone), **keys}, sort_keys=False), encoding="utf-8")
