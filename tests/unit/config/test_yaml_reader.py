"""Mistakes in a book's YAML are told with file, line and the name that was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from creditrisk.config import load_book
from creditrisk.errors import BadConfig, BadUsage
from tests.support.tiny_book import write_tiny_book


def spoil(folder: Path, file: str, old: str, new: str) -> Path:
    write_tiny_book(folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_the_tiny_book_loads(tmp_path: Path) -> None:
    book = load_book(write_tiny_book(tmp_path))
    assert book.name == "tiny"
    assert [file.name for file in book.sql] == ["payment_features", "feature_table"]


def test_unknown_key_names_its_line_and_the_known_one(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(spoil(tmp_path, "portfolio.yaml", "test_share:", "test_shares:"))
    assert caught.value.where.endswith("portfolio.yaml, line 14")
    assert 'unknown key "test_shares" in split' in caught.value.what
    assert 'did you mean "test_share"?' in caught.value.hint


def test_unknown_key_inside_a_list_is_found(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(spoil(tmp_path, "contracts/payments.yaml", "time: event", "tiem: event"))
    assert "tiem" in caught.value.what
    assert 'did you mean "time"?' in caught.value.hint
    assert caught.value.where.endswith("line 6")


def test_wrong_type_is_refused_with_what_was_given(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"split\.folds.*'three'"):
        load_book(spoil(tmp_path, "portfolio.yaml", "folds: 3", "folds: three"))


def test_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match='the key "currency" is missing'):
        load_book(spoil(tmp_path, "portfolio.yaml", "currency: EUR\n", ""))


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match='"title" stands twice') as caught:
        load_book(spoil(tmp_path, "portfolio.yaml", "currency: EUR", "currency: EUR\ntitle: again"))
    assert "line 2" in caught.value.hint


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(spoil(tmp_path, "portfolio.yaml", "currency: EUR", "currency: [EUR"))
    assert ", line " in caught.value.where


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    write_tiny_book(tmp_path)
    (tmp_path / "portfolio.yaml").write_text("", encoding="utf-8")
    with pytest.raises(BadConfig, match="is missing"):
        load_book(tmp_path)


def test_a_policy_on_a_column_nobody_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match='policy names the column "sexx"') as caught:
        load_book(spoil(tmp_path, "portfolio.yaml", "column: sex,", "column: sexx,"))
    assert 'did you mean "sex"?' in caught.value.hint


def test_an_override_is_checked_like_the_file(tmp_path: Path) -> None:
    write_tiny_book(tmp_path)
    assert load_book(tmp_path, {"split.folds": 4}).portfolio.split.folds == 4
    with pytest.raises(BadConfig, match="unknown key"):
        load_book(tmp_path, {"split.fold": 4})


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("training.balance.method", "x", "training.balance.method: "),
        ("training.balance.way", "none", 'unknown key "way" in training.balance'),
        ("tables.application.source", {"kind": "ftp"}, 'tables.application.source: no kind "ftp"'),
        ("tables.application.source.kind", "ftp", 'tables.application.source: no kind "ftp"'),
    ],
)
def test_an_override_of_what_the_file_leaves_out_is_told_by_its_own_name(
    key: str, value: Any, told: str, tmp_path: Path
) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(write_tiny_book(tmp_path), {key: value})
    assert caught.value.what.startswith(told)
    assert caught.value.where == f"--set {key}"


def test_an_unknown_book_offers_the_shipped_ones() -> None:
    with pytest.raises(BadUsage, match='no book "home_credits"'):
        load_book("home_credits")


def test_prohibited_target_and_later_columns_do_not_exist_for_the_features(tmp_path: Path) -> None:
    book = load_book(write_tiny_book(tmp_path))
    assert book.feature_columns["application"] == ("loan_id", "income", "debt", "town")


def with_source(folder: Path, source: str) -> Path:
    return spoil(
        folder, "portfolio.yaml", "{file: applications, key: [loan_id], required: true}",
        f"{{file: applications, key: [loan_id], required: true, source: {source}}}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "what", "hint"),
    [
        ("{kind: htpp, options: {}}", 'no kind "htpp"', 'did you mean "http"?'),
        ("{options: {}}", "kind is missing", "every kind"),
        ("{kind: http, options: {uri: x}}", 'unknown key "uri"|the key "url" is missing', ""),
        ("{kind: kaggle, options: {file: a.csv}}", "exactly one of", ""),
        ("{kind: kaggle, options: {file: a.csv, competition: a, dataset: b/c}}", "exactly one of", ""),
        ("{kind: kaggle, options: {file: a.csv, dataset: only-a-slug}}", "dataset", ""),
        ("{kind: s3, options: {uri: bucket/key}}", "uri", ""),
        ("{kind: http, options: {url: 'http://h/x', md5: abc}}", "md5", ""),
    ],
)
def test_a_wrong_source_is_told_in_words(source: str, what: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=what) as caught:
        load_book(with_source(tmp_path, source))
    assert hint in caught.value.hint
    assert "portfolio.yaml, line 6" in caught.value.where


def test_an_unknown_option_lists_the_keys_of_that_kind_and_no_others(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(with_source(tmp_path, "{kind: kaggle, options: {competition: a, files: a.csv, file: a.csv}}"))
    assert caught.value.hint == 'did you mean "file"? known: competition, dataset, file, md5, sha256'


@pytest.mark.parametrize(
    "source",
    [
        "{kind: http, options: {url: 'https://ann:pl4nted-s3cret@host/x.csv'}}",
        "{kind: http, options: {url: 'https://host/x.csv?X-Amz-Signature=pl4nted-s3cret'}}",
        "{kind: http, options: {url: 'https://host/x.csv?sv=1&sig=pl4nted-s3cret'}}",
        "{kind: http, options: {url: 'ftp://ann:pl4nted-s3cret@host/x.csv'}}",
        "{kind: s3, options: {uri: 's3://ann:pl4nted-s3cret@bucket/key'}}",
        "{kind: http, options: {url: 'http://h/x', headers_from_env: {Authorization: 'Bearer pl4nted-s3cret'}}}",
        "{kind: s3, options: 'secret=pl4nted-s3cret'}",
        "{kind: dvc, options: {path: x.csv, repo: 'https://ann:pl4nted-s3cret@host/repo.git'}}",
    ],
)
def test_a_credential_in_a_book_is_refused_and_not_repeated(source: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        load_book(with_source(tmp_path, source))
    assert "pl4nted" not in str(caught.value)
    assert "line 6" in caught.value.where


def test_git_over_ssh_names_its_user(tmp_path: Path) -> None:
    book = load_book(with_source(tmp_path, "{kind: dvc, options: {path: x.csv, repo: 'ssh://git@host/repo.git'}}"))
    assert book.portfolio.tables["application"].source.options.repo == "ssh://git@host/repo.git"


def test_a_credential_in_a_setting_of_the_command_line_is_not_repeated(tmp_path: Path) -> None:
    write_tiny_book(tmp_path)
    source = {"kind": "http", "options": {"url": "https://ann:pl4nted-s3cret@host/x.csv"}}
    with pytest.raises(BadConfig) as caught:
        load_book(tmp_path, {"tables.application.source": source})
    assert "pl4nted" not in str(caught.value)
    assert caught.value.where == "--set tables.application.source"
