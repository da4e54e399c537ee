"""A value is set as a person would set it: comments, order and everything else stay."""

from __future__ import annotations

import pytest
import yaml

from creditrisk.config import shipped_books
from creditrisk.config.book import SHIPPED
from creditrisk.config.write_back import with_values
from creditrisk.errors import BadConfig

BOOK = """\
# The book.
name: tiny   # short

training:
  estimator: xgboost
  parameters:
    # Chosen on loans before 2011.
    xgboost:
      rounds: 1000
      learning_rate: 0.03   # slow is safe

    logistic: {l2: 300}
  seed: 1

decision: {a: 1}  # the end
"""
PLACE = ["training", "parameters"]


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    told = with_values(BOOK, [*PLACE, "xgboost"], {"learning_rate": 0.05})
    assert told == BOOK.replace("0.03 ", "0.05 ")


def test_a_new_parameter_comes_after_the_last_one() -> None:
    told = with_values(BOOK, [*PLACE, "xgboost"], {"max_depth": 3})
    assert told == BOOK.replace("# slow is safe\n", "# slow is safe\n      max_depth: 3\n")


def test_a_mapping_on_one_line_stays_on_one_line() -> None:
    told = with_values(BOOK, [*PLACE, "logistic"], {"l2": 30.5, "clip_share": 0.01})
    assert told == BOOK.replace("{l2: 300}", "{l2: 30.5, clip_share: 0.01}")


def test_another_estimator_gets_a_section_of_its_own() -> None:
    told = with_values(BOOK, [*PLACE, "lightgbm"], {"num_leaves": 7, "lambda_l2": 1.5})
    assert told == BOOK.replace("{l2: 300}\n", "{l2: 300}\n    lightgbm:\n      num_leaves: 7\n      lambda_l2: 1.5\n")


@pytest.mark.parametrize(
    "text",
    [
        "name: tiny\n",
        "name: tiny",
        "name: tiny\ntraining: {seed: 1}\n",
        "name: tiny\ntraining: {}\nsplit: {folds: 3}\n",
        "name: tiny\ntraining:\nsplit: {folds: 3}\n",
        "training:\n  parameters:\n  seed: 3\nname: tiny\n",
        "training:\n  parameters: {}  # none yet\n  seed: 3\n",
        "training:\n    parameters:\n        xgboost: {\n          rounds: 3\n        }\n",
    ],
)
def test_what_is_missing_is_made_wherever_it_goes(text: str) -> None:
    wanted = yaml.safe_load(text)
    training = wanted["training"] = wanted.get("training") or {}
    parameters = training["parameters"] = training.get("parameters") or {}
    parameters["xgboost"] = {**parameters.get("xgboost", {}), "max_depth": 4, "reg_lambda": 1e-05}
    told = with_values(text, [*PLACE, "xgboost"], {"max_depth": 4, "reg_lambda": 1e-05})
    assert yaml.safe_load(told) == wanted
    assert [line for line in text.splitlines() if "#" in line] == [
        line for line in told.splitlines() if "#" in line
    ] or ("none yet" in told)


@pytest.mark.parametrize("book", shipped_books())
def test_a_shipped_book_says_the_same_and_the_new_values(book: str) -> None:
    values = {"learning_rate": 1e-05, "new_one": 4}
    text = (SHIPPED / book / "portfolio.yaml").read_text(encoding="utf-8")
    told = with_values(text, [*PLACE, "xgboost"], values)
    wanted = yaml.safe_load(text)
    wanted["training"]["parameters"]["xgboost"].update(values)
    assert yaml.safe_load(told) == wanted
    assert [line for line in text.splitlines() if line.lstrip().startswith("#")] == [
        line for line in told.splitlines() if line.lstrip().startswith("#")
    ]


@pytest.mark.parametrize("text", ["- a list\n", "training: 3\n", "training: {parameters: [1]}\n"])
def test_what_cannot_be_set_is_told_with_the_way_out(text: str) -> None:
    with pytest.raises(BadConfig) as caught:
        with_values(text, [*PLACE, "xgboost"], {"max_depth": 3})
    assert "by hand" in caught.value.hint


def test_an_alias_is_not_edited_behind_the_back_of_its_anchor() -> None:
    text = "a: &x {rounds: 3}\ntraining: {parameters: {xgboost: *x}}\n"
    with pytest.raises(BadConfig):
        with_values(text, [*PLACE, "xgboost"], {"rounds": 4})
