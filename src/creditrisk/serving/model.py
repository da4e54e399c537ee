"""The model that decides now, and how another one takes its place without a request noticing."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from creditrisk.config import Book, load_book
from creditrisk.decisions.decide import Decider
from creditrisk.decisions.intake import Intake
from creditrisk.duck import DuckSettings
from creditrisk.errors import BadUsage, CreditRiskError, OutsideFailed
from creditrisk.governance import FoundBundle, find_bundle
from creditrisk.governance.agreement import Records
from creditrisk.modelling import Bundle, load_bundle
from creditrisk.ports import STANDING_TAGS, ModelVersion, Registry
from creditrisk.serving.examples import example_application
from creditrisk.serving.logs import log
from creditrisk.serving.metrics import Metrics
from creditrisk.serving.self_test import self_test

KEPT_FROM_BEFORE = 3
"""Models of earlier decisions that stay loaded for corrections; each holds its trees and a database connection."""


@dataclass(frozen=True)
class Model:
    """A bundle that is ready to decide. version: None for a bundle that no registry knows."""

    name: str
    version: str | None
    bundle: Bundle
    book: Book
    intake: Intake
    decider: Decider

    def as_json(self) -> dict[str, str | None]:
        return {"name": self.name, "version": self.version, "bundle": self.bundle.sha256}


class Models:
    """Finds, loads and tests models. Slow: never called from the event loop."""

    def __init__(
        self,
        name: str,
        registry: Registry,
        *,
        own_copy: Callable[[str], Path],
        duck: DuckSettings,
        records: Records | None = None,
    ) -> None:
        """records: where this workspace keeps the moves of that model; None = an alias is taken at its word."""
        self.name = name
        self._registry, self._own_copy, self._duck, self._records = registry, own_copy, duck, records
        self._before: dict[str, Model] = {}
        self._lock = threading.Lock()

    def find(self, alias: str) -> FoundBundle:
        """What the alias means at this moment.

        Raises as `governance.find_bundle`, and Refused for an alias that was moved by hand.
        """
        return find_bundle(
            f"models:/{self.name}@{alias}", self._registry, own_copy=self._own_copy, records=self._records
        )

    def load(self, found: FoundBundle) -> Model:
        """Raises BrokenFile, MissingInput, NewerSchema, Refused: a bundle that is not as it was made, or decides its
        own examples otherwise than when it was made.
        """
        named = found.version.bundle_sha256 if found.version else None
        threads = self._duck.threads  # for the trees of proofs; few rows in DuckDB only lose by more than one
        bundle, book = load_bundle(found.folder, expected=named, threads=threads), load_book(found.folder)
        version = str(found.version.version) if found.version else None
        decider = Decider(bundle, book, replace(self._duck, threads=1))
        model = Model(self.name, version, bundle, book, Intake(book), decider)
        weakref.finalize(model, decider.close)  # whoever is the last to decide with it lets it go
        self_test(bundle, decider)
        example = model.intake.read([example_application(book, model.intake)])
        decider.warm_up(example.applications)
        return model

    def of_bundle(self, sha256: str) -> Model:
        """The model that an earlier decision was made with. Raises BadUsage when this registry has it no more."""
        with self._lock:
            if sha256 not in self._before:
                self._before[sha256] = self.load(self._found(sha256))
                if len(self._before) > KEPT_FROM_BEFORE:
                    del self._before[next(iter(self._before))]
            return self._before[sha256]

    def _found(self, sha256: str) -> FoundBundle:
        for version in reversed(self._registry.versions(self.name)):
            if version.bundle_sha256 == sha256:
                return find_bundle(version.uri.replace(f"/{version.name}/", f"/{self.name}/"), self._registry,
                                   own_copy=self._own_copy)  # fmt: skip
        raise BadUsage(
            f"the registry has no version with bundle {sha256[:16]}", hint="restore the bundle of that day, then again"
        )


def set_apart() -> None:
    """What is loaded by now stays: Python's collector would look through all of it, 0.1 s in which nobody is served.

    `gc.unfreeze` before the end: what is still set apart then is told as lost by DuckDB.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Holder:
    """`model` is the one that decides; reading it is one step, so a swap is one step too."""

    def __init__(self, models: Models, alias: str, metrics: Metrics) -> None:
        self._models, self._alias, self._metrics = models, alias, metrics
        self._lock = threading.Lock()
        found = models.find(alias)
        self.model = models.load(found)
        self.standing = _standing(found.version)
        """On which evidence the version stands, and who answers for it, as the registry said when it was last asked."""
        self.refused: str | None = None
        """Why the last attempt to take another model failed; None when it did not."""
        metrics.decides_now(self.model.version or "", self.model.bundle.sha256)

    def reload(self) -> bool:
        """Take what the alias means now; True when that is another version than before.

        Raises what is wrong with the other one; the model that decides stays.
        """
        with self._lock:
            try:
                found = self._models.find(self._alias)
                if _same(found.version, self.model):
                    self.standing = _standing(found.version)
                    self._metrics.reloads.labels("unchanged").inc()
                    return False
                model = self._models.load(found)
            except CreditRiskError as error:
                self._refuse(error)
                raise
            except Exception as error:
                told = OutsideFailed(f"the other model cannot be loaded: {type(error).__name__}", retry_may_help=False)
                self._refuse(told)
                raise told from error
            before, self.model, self.refused = self.model, model, None
            set_apart()
            self.standing = _standing(found.version)
            self._metrics.reloads.labels("taken").inc()
            self._metrics.decides_now(model.version or "", model.bundle.sha256)
            log.info("model_taken", version=model.version, bundle=model.bundle.sha256, before=before.version)
            return True

    def _refuse(self, error: CreditRiskError) -> None:
        self.refused = error.what
        self._metrics.reloads.labels("refused").inc()
        log.error("model_refused", what=error.what, where=error.where, stays=self.model.version)


def _standing(version: ModelVersion | None) -> dict[str, str | None]:
    """None for what the registry does not say."""
    return {name: version.tags.get(name) if version is not None else None for name in STANDING_TAGS}


def _same(version: ModelVersion | None, model: Model) -> bool:
    return version is not None and (str(version.version), version.bundle_sha256) == (
        model.version,
        model.bundle.sha256,
    )
