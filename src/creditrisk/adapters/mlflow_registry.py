"""Versions and aliases in MLflow's model registry. A model has its book's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from creditrisk.adapters.mlflow_client import exists_already, is_not_begun, is_not_there, mlflow_at, registry_at
from creditrisk.adapters.mlflow_model import BUNDLE
from creditrisk.adapters.mlflow_rest import RestClient, hands_on
from creditrisk.errors import BadUsage, OutsideFailed, did_you_mean
from creditrisk.files import whole_folder
from creditrisk.ports import BUNDLE_TAG, LoggedRun, ModelVersion

if TYPE_CHECKING:
    from mlflow.client import MlflowClient

MOST_VERSIONS = 10_000


class MlflowRegistry:
    """cache: where bundles are put that lie on no local disk."""

    def __init__(self, tracking_uri: str, *, cache: Path) -> None:
        self._tracking_uri = tracking_uri
        self._cache = cache

    def register(self, name: str, run: LoggedRun, *, alias: str, tags: Mapping[str, str]) -> ModelVersion:
        """The hash is written with the version in one step: killed before the alias, a second call finds it."""
        with mlflow_at(self._tracking_uri) as client:
            kept = [old.version for old in _versions(client, name) if old.bundle_sha256 == run.bundle_sha256]
            number = kept[0] if kept else _new_version(client, name, run, {**tags, BUNDLE_TAG: run.bundle_sha256})
            client.set_registered_model_alias(name, alias, str(number))
            return next(version for version in _versions(client, name) if version.version == number)

    def set_alias(self, name: str, alias: str, version: int) -> None:
        with registry_at(self._tracking_uri) as client:
            _need(client, name, version)
            client.set_registered_model_alias(name, alias, str(version))

    def remove_alias(self, name: str, alias: str) -> None:
        if is_not_begun(self._tracking_uri):
            return
        with registry_at(self._tracking_uri) as client:
            try:
                client.delete_registered_model_alias(name, alias)
            except Exception as error:
                if not is_not_there(error):
                    raise

    def tag(self, name: str, version: int, tags: Mapping[str, str]) -> None:
        with registry_at(self._tracking_uri) as client:
            _need(client, name, version)
            for key, value in tags.items():
                client.set_model_version_tag(name, str(version), key, value)

    def versions(self, name: str) -> Sequence[ModelVersion]:
        if is_not_begun(self._tracking_uri):
            return []
        with registry_at(self._tracking_uri) as client:
            return _versions(client, name)

    def fetch(self, version: ModelVersion) -> Path:
        """From a server that hands its files on, without MLflow's own client, which a serving image does not have."""
        with registry_at(self._tracking_uri) as client:
            if isinstance(client, RestClient):
                location = client.get_model_version_download_uri(version.name, str(version.version))
                if hands_on(location):
                    folder = self._kept(version)
                    if not folder.exists():
                        with whole_folder(folder) as partial:
                            client.download(f"{location}/artifacts/{BUNDLE}", partial)
                    return folder
        return self._fetched_by_mlflow(version)

    def _kept(self, version: ModelVersion) -> Path:
        return self._cache / version.bundle_sha256[:16] / BUNDLE

    def _fetched_by_mlflow(self, version: ModelVersion) -> Path:
        with mlflow_at(self._tracking_uri) as client:
            location = client.get_model_version_download_uri(version.name, str(version.version))
            if urlsplit(location).scheme == "file":
                folder = Path(url2pathname(urlsplit(location).path)) / "artifacts" / BUNDLE
            else:
                folder = self._kept(version)
                if not folder.exists():
                    _download(f"{location}/artifacts/{BUNDLE}", folder.parent, self._tracking_uri)
        if not folder.is_dir():
            raise OutsideFailed(
                f"the registry's bundle of {version.name} version {version.version} is gone",
                where=str(folder),
                hint="give the bundle's folder instead, or train again",
            )
        return folder


def _need(client: MlflowClient | RestClient, name: str, version: int) -> None:
    known = [kept.version for kept in _versions(client, name)]
    if version not in known:
        raise BadUsage(f"{name} has no version {version}", hint=did_you_mean(str(version), map(str, known)))


def _versions(client: MlflowClient | RestClient, name: str) -> list[ModelVersion]:
    try:
        aliases = client.get_registered_model(name).aliases  # search_model_versions leaves them out
    except Exception as error:
        if is_not_there(error):
            return []
        raise
    found = client.search_model_versions(f"name = '{name}'", max_results=MOST_VERSIONS)
    return sorted((_in_our_words(version, aliases) for version in found), key=lambda version: version.version)


def _in_our_words(version: Any, aliases: Mapping[str, str]) -> ModelVersion:
    return ModelVersion(
        name=version.name,
        version=int(version.version),
        bundle_sha256=version.tags.get(BUNDLE_TAG, ""),
        run_id=version.run_id or "",
        aliases=tuple(sorted(alias for alias, number in aliases.items() if int(number) == int(version.version))),
        tags=dict(version.tags),
    )


def _new_version(client: MlflowClient, name: str, run: LoggedRun, tags: Mapping[str, str]) -> int:
    try:
        client.create_registered_model(name)
    except Exception as error:
        if not exists_already(error):
            raise
    model_id = run.model_uri.removeprefix("models:/")
    # the place of the files, not models:/<id>: for that one MLflow asks whichever server the process last talked to
    source = client.get_logged_model(model_id).artifact_location
    made = client.create_model_version(name, source, run_id=run.run_id, tags=dict(tags), model_id=model_id)
    return int(made.version)


def _download(address: str, into: Path, tracking_uri: str) -> None:
    from mlflow.artifacts import download_artifacts

    with whole_folder(into) as partial:
        download_artifacts(address, dst_path=str(partial), tracking_uri=tracking_uri, registry_uri=tracking_uri)
