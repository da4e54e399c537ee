"""Google Cloud Storage: gs://bucket/key.

Credentials by Google's own chain: GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, the
machine's service account. STORAGE_EMULATOR_HOST names another server, which is asked without credentials.
"""

from __future__ import annotations

from creditrisk.config.source import BucketOptions
from creditrisk.ports import Storage
from creditrisk.sources.stored import StoredFile, stored_file


def gcs(options: BucketOptions, storage: Storage | None) -> StoredFile:
    return stored_file(options, storage, kind="gcs", begins="gs://")
