"""Amazon S3 and what speaks like it (MinIO, R2, Ceph): s3://bucket/key.

Credentials by the chain of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the machine's role.
AWS_ENDPOINT_URL names another server.
"""

from __future__ import annotations

from creditrisk.config.source import BucketOptions
from creditrisk.ports import Storage
from creditrisk.sources.stored import StoredFile, stored_file


def s3(options: BucketOptions, storage: Storage | None) -> StoredFile:
    return stored_file(options, storage, kind="s3", begins="s3://")
