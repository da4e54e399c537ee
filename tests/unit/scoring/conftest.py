"""One bundle of each estimator, trained once for all scoring tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from creditrisk.modelling import ESTIMATORS, Bundle, load_bundle
from tests.support.learning import saved, tiny_book, trained


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """bundle_of("xgboost") -> a loaded bundle of the tiny book."""
    bundles: dict[str, Bundle] = {}
    for name in ESTIMATORS:
        folder = tmp_path_factory.mktemp(name)
        book = tiny_book(folder / "book", training__parameters__xgboost__rounds=40)
        saved(trained(book, estimator=name), book, folder / "bundle")
        bundles[name] = load_bundle(folder / "bundle")
    return bundles.__getitem__


@pytest.fixture(params=sorted(ESTIMATORS))
def bundle(request: pytest.FixtureRequest, bundle_of: Callable[[str], Bundle]) -> Bundle:
    return bundle_of(request.param)
