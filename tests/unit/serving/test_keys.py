"""Keys are random, kept as hashes, told apart by roles, and changed without a restart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from creditrisk.errors import BadConfig, BadUsage
from creditrisk.serving import keys
from creditrisk.serving.keys import Caller, KeyRing, new_key, read_keys


def test_a_new_key_opens_and_its_line_does_not_hold_it() -> None:
    key, line = new_key("branch", ["score", "read"])
    assert key not in line
    ring = KeyRing(None, line)
    assert ring.caller_of(key) == Caller("branch", frozenset({"score", "read"}))
    assert ring.caller_of(key[:-1]) is None
    assert ring.caller_of("") is None
    assert ring.caller_of("ключ\ud800") is None


def test_two_keys_are_never_alike() -> None:
    assert len({new_key("a", ["score"])[0] for _ in range(50)}) == 50


@pytest.mark.parametrize(("name", "roles"), [("", ["score"]), ("a b", ["score"]), ("a", []), ("a", ["root"])])
def test_a_key_without_a_proper_name_or_role_is_not_made(name: str, roles: list[str]) -> None:
    with pytest.raises(BadUsage):
        new_key(name, roles)


@pytest.mark.parametrize(
    "line", ["crk_secret", "a score crk_secret", "a root sha256:" + "0" * 64, "a score sha256:00", "a score x y z"]
)
def test_a_wrong_line_is_told_by_its_number_alone(line: str) -> None:
    with pytest.raises(BadConfig) as caught:
        read_keys(f"# ours\n\n{line}\n", where="keys")
    assert caught.value.where == "keys, line 3"
    assert "secret" not in str(caught.value)


def test_every_known_hash_is_compared_so_that_the_time_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [new_key(f"caller{number}", ["score"]) for number in range(5)]
    ring = KeyRing(None, ";".join(line for _, line in made))
    seen: list[str] = []

    def compare(known: str, told: str) -> bool:
        seen.append(known)
        return known == told

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    for key in (made[0][0], made[4][0], "wrong"):
        seen.clear()
        ring.caller_of(key)
        assert seen == [hashlib.sha256(each.encode()).hexdigest() for each, _ in made]


def test_a_changed_file_is_read_again_and_a_damaged_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    (old, old_line), (new, new_line) = new_key("old", ["score"]), new_key("new", ["score"])
    file.write_text(old_line)
    ring = KeyRing(file, None)
    assert not ring.refresh()
    file.write_text(f"{new_line}\n# rotated\n")
    assert ring.refresh()
    assert ring.caller_of(old) is None
    assert ring.caller_of(new) is not None
    file.write_text("damaged")
    with pytest.raises(BadConfig):
        ring.refresh()
    assert ring.caller_of(new) is not None


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        KeyRing(tmp_path / "none", None)


def test_an_administrator_may_everything_and_others_what_they_were_given() -> None:
    assert Caller("a", frozenset({"admin"})).may("score")
    assert Caller("b", frozenset({"read"})).may("read", "review")
    assert not Caller("b", frozenset({"read"})).may("score")
