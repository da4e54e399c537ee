"""Where a raw table comes from when it is not in the raw folder: `source:` in portfolio.yaml, by kind.

No option holds a credential: those come from the environment or from the provider's own chain.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from creditrisk.config.strict import Strict


class HoldsCredentialError(ValueError):
    """The value must not stand in a file, and is not repeated in the message."""


_SIGNED = re.compile(
    r"[?&][^=&#]*(sig|signature|token|secret|password|passwd|credential|api-?_?key|access-?_?key|auth)[^=&#]*=",
    re.IGNORECASE,
)
"""The name of a query parameter that grants access, as in a presigned address."""


def _without_credentials(uri: str) -> str:
    if re.match(r"[a-z0-9]+://[^/?#]*@", uri):
        raise HoldsCredentialError("a name or password stands in the address")
    if _SIGNED.search(uri):
        raise HoldsCredentialError("a token or signature stands in the address")
    return uri


def _without_password(repository: str) -> str:
    """A name alone is fine: git@host is how git asks over ssh."""
    if re.match(r"[a-z0-9+]+://[^/?#@]*:[^/?#]*@", repository) or _SIGNED.search(repository):
        raise HoldsCredentialError("a password or token stands in the address")
    return repository


# Credentials first: an address that is wrong in two ways is told of the one that must not be repeated.
HttpAddress = Annotated[str, AfterValidator(_without_credentials), Field(pattern=r"^https?://[^/?#]+/\S*$")]
BucketAddress = Annotated[str, AfterValidator(_without_credentials), Field(pattern=r"^[a-z0-9]+://[^/?#]+/.*\S$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Md5 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


class Promised(Strict):
    """What every kind of source but `file` may promise of the file that it brings."""

    md5: Md5 | None = None
    """Of the file as it arrives, or of the one table unpacked from it; another one is refused."""
    sha256: Sha256 | None = None
    """The same with sha256."""


class FileOptions(Strict):
    """The raw folder (`--raw`) holds the file; there is nothing to say."""


class HttpOptions(Promised):
    url: HttpAddress
    """http:// or https://, without name, password, token or signature."""
    headers_from_env: dict[str, Variable] = Field(default={})
    """Header -> environment variable that holds its value, e.g. {Authorization: MY_TOKEN_HEADER}."""


class KaggleOptions(Promised):
    """Exactly one of `competition` and `dataset`. Credentials as Kaggle's own client finds them."""

    competition: Annotated[str, Field(pattern=r"^[\w-]+$")] | None = None
    """Slug of the competition, e.g. home-credit-default-risk."""
    dataset: Annotated[str, Field(pattern=r"^[\w-]+/[\w-]+$")] | None = None
    """Owner and slug of the data set, e.g. wordsforthewise/lending-club."""
    file: Annotated[str, Field(min_length=1)]
    """Name of the file there."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.competition is None) == (self.dataset is None):
            raise ValueError("give exactly one of `competition` and `dataset`")
        return self


class BucketOptions(Promised):
    uri: BucketAddress
    """The object: s3://bucket/key, az://container/blob, gs://bucket/key. Credentials by the provider's own chain."""


class DvcOptions(Promised):
    path: str
    """Of the tracked file, from the repository's root."""
    repo: Annotated[str, AfterValidator(_without_password)] = "."
    """Folder or address of the DVC repository, without password; git asks as it does elsewhere."""
    rev: str | None = None
    """Branch, tag or commit; empty = what is checked out."""
    remote: str | None = None
    """Name of the DVC remote; empty = the repository's default."""


class FileSource(Strict):
    kind: Literal["file"] = "file"
    """The raw folder."""
    options: FileOptions = FileOptions()
    """None."""


class HttpSource(Strict):
    kind: Literal["http", "https"]
    """A web server."""
    options: HttpOptions
    """What it takes."""


class KaggleSource(Strict):
    kind: Literal["kaggle"]
    """A competition's or a data set's file, by Kaggle's own client (extra `kaggle`)."""
    options: KaggleOptions
    """What it takes."""


class S3Source(Strict):
    kind: Literal["s3"]
    """Amazon S3 and what speaks like it (extra `s3`)."""
    options: BucketOptions
    """What it takes."""


class AzureSource(Strict):
    kind: Literal["azure"]
    """Azure Blob Storage (extra `azure`)."""
    options: BucketOptions
    """What it takes."""


class GcsSource(Strict):
    kind: Literal["gcs"]
    """Google Cloud Storage (extra `gcs`)."""
    options: BucketOptions
    """What it takes."""


class DvcSource(Strict):
    kind: Literal["dvc"]
    """A file that DVC tracks (extra `dvc`)."""
    options: DvcOptions
    """What it takes."""


Source = Annotated[
    FileSource | HttpSource | KaggleSource | S3Source | AzureSource | GcsSource | DvcSource,
    Field(discriminator="kind"),
]
