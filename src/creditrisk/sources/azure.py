"""Azure Blob Storage: az://container/blob.

Credentials: AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with a key, a SAS token or what Azure's own
chain finds (az login, a managed identity).
"""

from __future__ import annotations

from creditrisk.config.source import BucketOptions
from creditrisk.ports import Storage
from creditrisk.sources.stored import StoredFile, stored_file


def azure(options: BucketOptions, storage: Storage | None) -> StoredFile:
    return stored_file(options, storage, kind="azure", begins="az://")
