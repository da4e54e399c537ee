"""What is said of a value that its column cannot hold: what is expected, and as what it came."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from creditrisk.config import Column
from creditrisk.contracts.values import NotReadable, value_reader

WITHOUT_QUOTES = "; it came as text: send it without quotes"
NOTHING = "; it came as text, an empty one: send null where there is nothing"


def column(kind: str, **more: Any) -> Column:
    return Column.model_validate({"name": "income", "type": kind, "available": "application", **more})


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("double", "21000.5", f"expected a number{WITHOUT_QUOTES}"),
        ("decimal(18,3)", "-3e5", f"expected a number{WITHOUT_QUOTES}"),
        ("integer", "7", f"expected a whole number{WITHOUT_QUOTES}"),
        ("integer", "007", "expected a whole number; it came as text"),
        ("double", "1,5", "expected a number; it came as text"),
        ("double", "true", "expected a number; it came as text"),
        ("double", "", f"expected a number{NOTHING}"),
        ("double", True, "expected a number; it came as true or false"),
        ("double", ["7"], "expected a number; it came as a list"),
        ("double", {"7": 7}, "expected a number; it came as an object"),
        ("double", float("nan"), "expected a number; it came as no finite number"),
        ("integer", Decimal("Infinity"), "expected a whole number; it came as no finite number"),
        ("boolean", "true", f"expected true or false{WITHOUT_QUOTES}"),
        ("boolean", "yes", "expected true or false; it came as text"),
        ("boolean", 1, "expected true or false; it came as a number"),
        ("text", 7, "expected text; it came as a number: send it as text"),
        ("text", 10**400, "expected text; it came as a number: send it as text"),
        ("text", False, "expected text; it came as true or false"),
        ("date", 20111231, "expected a date like 2011-12-31; it came as a number: send it as text"),
        ("date", "31.12.2011", "expected a date like 2011-12-31"),
    ],
)
def test_a_value_of_another_kind_is_told_as_what_it_came_and_how_to_send_it(kind: str, given: Any, says: str) -> None:
    with pytest.raises(NotReadable) as refused:
        value_reader(column(kind))(given)
    assert str(refused.value) == says


@pytest.mark.parametrize("given", ["48151.6234", "Müller", ["48151"], {"48151": 1}, Decimal("4815162342.1")])
@pytest.mark.parametrize("kind", ["decimal(9,2)", "boolean", "date"])
def test_what_is_said_holds_nothing_of_the_value(kind: str, given: Any) -> None:
    with pytest.raises(NotReadable) as refused:
        value_reader(column(kind))(given)
    assert not any(part in str(refused.value) for part in ("481", "6234", "Müller"))
