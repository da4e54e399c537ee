"""Raw files from a real web server that stalls, resets, truncates, redirects and lies about length."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditrisk.config import HttpOptions, HttpSource
from creditrisk.errors import BrokenFile, CreditRiskError, ExitCode, MissingInput, OutsideFailed
from creditrisk.sources import http
from creditrisk.sources.download import Patience
from creditrisk.sources.raw_folder import SOURCES, UNFINISHED, RawFolder, Wanted
from tests.support.faulty_server import FaultyServer, Served, faulty_server

SECRET = "pl4nted-s3cret"
CSV = b"loan_id,amount\n" + b"".join(b"%d,%d\n" % (row, row * 7919 % 10_007) for row in range(3000))


@pytest.fixture(scope="module")
def shared() -> Iterator[FaultyServer]:
    with faulty_server() as server:
        yield server


@pytest.fixture
def server(shared: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    shared.files, shared.asked, shared.sent, shared.answer = {}, [], 0, None
    monkeypatch.setattr(http, "TIMEOUTS_S", (20.0, 20.0))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return shared


type Bring = Callable[..., bool]


@pytest.fixture
def bring(server: FaultyServer, tmp_path: Path) -> Bring:
    def fetch(path: str = "/loans", attempts: int = 4, base: str = "", **options: object) -> bool:
        address, stem = (base or server.url) + path, path.partition("?")[0].strip("/")
        source = HttpSource(kind="http", options=HttpOptions.model_validate({"url": address, **options}))
        folder = RawFolder(tmp_path, patience=Patience(attempts=attempts, sleep=lambda _: None))
        return folder.bring(Wanted("application", stem, source), lambda *_: None)

    return fetch


def refused(bring: Bring, kind: type[CreditRiskError] = OutsideFailed, **options: object) -> CreditRiskError:
    """The error, after a look that it holds no secret and that nothing is under the final name."""
    with pytest.raises(kind) as caught:
        bring(**options)
    assert SECRET not in str(caught.value)
    assert caught.value.hint
    return caught.value


def test_fifty_connections_cut_at_random_points_end_whole_or_with_nothing_visible(
    server: FaultyServer, bring: Bring, tmp_path: Path
) -> None:
    where = random.Random(20260101)
    resumed = 0
    for _ in range(50):
        fault = where.choice(["reset", "truncate"])
        server.files["/loans"] = Served(CSV, faults=[(fault, where.randrange(len(CSV)))])
        server.sent = 0
        with pytest.raises(OutsideFailed):
            bring(attempts=1)
        assert not (tmp_path / "loans.csv").exists()
        kept = (tmp_path / f"{UNFINISHED}loans").stat().st_size
        first = server.sent
        assert bring(attempts=1)
        assert (tmp_path / "loans.csv").read_bytes() == CSV
        assert server.sent - first == len(CSV) - kept, "the second try asks for what is missing and no more"
        resumed += kept > 0
        (tmp_path / "loans.csv").unlink()
    assert resumed > 25


def test_one_call_survives_cuts_by_trying_again(server: FaultyServer, bring: Bring, tmp_path: Path) -> None:
    server.files["/loans"] = Served(CSV, faults=[("reset", 5000), ("truncate", 1), ("status", 503)])
    assert bring()
    assert (tmp_path / "loans.csv").read_bytes() == CSV


def test_a_server_that_stands_still_is_left_and_resumed(
    server: FaultyServer, bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUTS_S", (20.0, 0.5))
    server.files["/loans"] = Served(CSV, faults=[("stall", 7000)])
    assert bring()
    assert (tmp_path / "loans.csv").read_bytes() == CSV
    assert server.asked[-2].headers["Range"] == "bytes=7000-"


def test_a_server_without_ranges_sends_it_again_from_the_start(
    server: FaultyServer, bring: Bring, tmp_path: Path
) -> None:
    server.files["/loans"] = Served(CSV, ranges=False, faults=[("reset", 9000)])
    assert bring()
    assert (tmp_path / "loans.csv").read_bytes() == CSV


def test_a_server_that_tells_no_version_is_never_resumed(server: FaultyServer, bring: Bring, tmp_path: Path) -> None:
    server.files["/loans"] = Served(CSV, etag=False, faults=[("reset", 9000)])
    assert bring()
    assert (tmp_path / "loans.csv").read_bytes() == CSV
    assert not any("Range" in asked.headers for asked in server.asked)


def test_a_file_that_changes_between_two_tries_is_fetched_anew(
    server: FaultyServer, bring: Bring, tmp_path: Path
) -> None:
    server.files["/loans"] = Served(CSV, faults=[("reset", 9000)])
    with pytest.raises(OutsideFailed):
        bring(attempts=1)
    other = CSV.replace(b"7", b"8")
    server.files["/loans"] = Served(other)
    assert bring(attempts=1)
    assert (tmp_path / "loans.csv").read_bytes() == other


@pytest.mark.parametrize("more", [50, -50])
def test_a_server_that_lies_about_the_length_leaves_nothing_visible(
    more: int, server: FaultyServer, bring: Bring, tmp_path: Path
) -> None:
    server.files["/loans"] = Served(CSV, lie=more)
    promised = {"md5": hashlib.md5(CSV, usedforsecurity=False).hexdigest()}
    error = refused(bring, OutsideFailed if more > 0 else BrokenFile, **promised)
    assert "broke off" in error.what or "checksum differs" in error.what
    assert not (tmp_path / "loans.csv").exists()


@pytest.mark.parametrize(
    ("status", "kind", "what", "hint"),
    [
        (401, OutsideFailed, "no credential", "headers_from_env"),
        (403, OutsideFailed, "no permission", "ask its owner"),
        (404, MissingInput, "no such file", "correct the address"),
        (410, MissingInput, "no such file", "correct the address"),
        (418, OutsideFailed, "HTTP 418", "ask its owner"),
        (429, OutsideFailed, "too many requests", "later"),
        (500, OutsideFailed, "HTTP 500", "later"),
    ],
)
def test_every_answer_says_what_to_do(
    status: int, kind: type[CreditRiskError], what: str, hint: str, server: FaultyServer, bring: Bring
) -> None:
    server.files["/loans"] = Served(b"", status=status)
    error = refused(bring, kind)
    assert what in error.what
    assert hint in error.hint
    assert error.where == f"{server.url}/loans"
    gets = sum(1 for asked in server.asked if asked.path == "/loans")
    assert gets == (8 if status in (429, 500) else 2), "what cannot help is not tried again"


def test_retry_after_is_honoured_and_bounded(server: FaultyServer, tmp_path: Path) -> None:
    waits: list[float] = []
    server.files["/loans"] = Served(CSV, headers={"Retry-After": "7"}, faults=[("status", 429)])
    folder = RawFolder(tmp_path, patience=Patience(attempts=2, sleep=waits.append))
    source = HttpSource(kind="http", options=HttpOptions(url=f"{server.url}/loans"))
    assert folder.bring(Wanted("application", "loans", source), lambda *_: None)
    assert waits == [7.0]
    server.files["/other"] = Served(b"", status=503, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
    source = HttpSource(kind="http", options=HttpOptions(url=f"{server.url}/other"))
    with pytest.raises(OutsideFailed, match="asks to wait"):
        folder.bring(Wanted("application", "other", source), lambda *_: None)
    assert waits == [7.0]


def test_a_header_comes_from_the_environment_and_is_never_shown(
    server: FaultyServer, bring: Bring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server.files["/loans"] = Served(CSV, needs={"X-Key": SECRET})
    wanted = {"headers_from_env": {"X-Key": "TEST_LOANS_KEY"}}
    monkeypatch.delenv("TEST_LOANS_KEY", raising=False)
    error = refused(bring, **wanted)
    assert "TEST_LOANS_KEY" in error.what
    assert error.exit_code is ExitCode.OUTSIDE_FAILED
    assert server.asked == []
    monkeypatch.setenv("TEST_LOANS_KEY", f"{SECRET}-expired")
    assert "TEST_LOANS_KEY" in refused(bring, **wanted).hint
    monkeypatch.setenv("TEST_LOANS_KEY", f"{SECRET}\nInjected: yes")
    assert "line break" in refused(bring, **wanted).what
    monkeypatch.setenv("TEST_LOANS_KEY", SECRET)
    assert bring(**wanted)
    assert SECRET not in (tmp_path / SOURCES).read_text()


def test_a_secret_header_does_not_follow_a_redirect_to_another_place(
    server: FaultyServer, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LOANS_KEY", SECRET)
    with faulty_server() as elsewhere:
        elsewhere.files["/there"] = Served(CSV)
        server.files["/loans"] = Served(
            b"", status=302, headers={"Location": f"{elsewhere.url}/there?signature={SECRET}"}
        )
        assert bring(headers_from_env={"X-Key": "TEST_LOANS_KEY", "Authorization": "TEST_LOANS_KEY"})
        assert {"X-Key", "Authorization"} <= server.asked[0].headers.keys()
        assert elsewhere.asked
        assert not any({"X-Key", "Authorization"} & asked.headers.keys() for asked in elsewhere.asked)
        elsewhere.files["/there"] = Served(b"", status=403)
        server.files["/other"] = server.files["/loans"]
        refused(bring, path="/other")  # the address it led to is signed, and not shown


def test_redirects_on_the_same_host_keep_the_header_and_are_bounded(
    server: FaultyServer, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_LOANS_KEY", SECRET)
    server.files["/loans"] = Served(b"", status=307, headers={"Location": "/there"})
    server.files["/there"] = Served(CSV, needs={"X-Key": SECRET})
    assert bring(headers_from_env={"X-Key": "TEST_LOANS_KEY"})
    server.files["/round"] = Served(b"", status=301, headers={"Location": "/round"})
    assert "redirects" in refused(bring, path="/round", headers_from_env={"X-Key": "TEST_LOANS_KEY"}).what


def test_a_server_that_is_not_there_is_told_without_the_query(bring: Bring) -> None:
    error = refused(bring, base="http://127.0.0.1:9", path=f"/loans?version={SECRET}", attempts=2)
    assert "cannot be reached" in error.what
    assert error.where == "http://127.0.0.1:9/loans"


def test_netrc_signs_in(server: FaultyServer, bring: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login ann password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.files["/loans"] = Served(CSV)
    assert bring()
    assert all(asked.headers["Authorization"].startswith("Basic ") for asked in server.asked)


def test_a_page_that_asks_to_sign_in_is_not_taken_for_a_table(server: FaultyServer, bring: Bring) -> None:
    server.files["/loans"] = Served(b"<!DOCTYPE html><html><body>Please sign in</body></html>")
    assert "HTML page" in refused(bring, BrokenFile).what


KILLED = """
import sys
from pathlib import Path
from creditrisk.config import HttpOptions, HttpSource
from creditrisk.sources.raw_folder import RawFolder, Wanted
source = HttpSource(kind="http", options=HttpOptions(url=sys.argv[1]))
RawFolder(Path(sys.argv[2])).bring(Wanted("application", "loans", source), lambda *_: None)
"""


def test_a_process_killed_while_it_downloads_is_resumed_by_the_next(
    server: FaultyServer, bring: Bring, tmp_path: Path
) -> None:
    body = CSV * 8
    server.files["/loans"] = Served(body, faults=[("stall", len(body) // 2)])
    process = subprocess.Popen([sys.executable, "-c", KILLED, f"{server.url}/loans", str(tmp_path)])
    part, last = tmp_path / f"{UNFINISHED}loans", time.monotonic() + 60
    while time.monotonic() < last and not (part.is_file() and part.stat().st_size > len(body) // 3):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    kept = part.stat().st_size
    assert 0 < kept < len(body)
    assert not (tmp_path / "loans.csv").exists()
    server.sent = 0
    assert bring()
    assert (tmp_path / "loans.csv").read_bytes() == body
    assert server.sent == len(body) - kept


def test_two_processes_that_want_the_same_file_fetch_it_once(server: FaultyServer, tmp_path: Path) -> None:
    server.files["/loans"] = Served(CSV, headers={"Last-Modified": "Wed, 01 Apr 2026 10:00:00 GMT"})
    command = [sys.executable, "-c", KILLED, f"{server.url}/loans", str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert (tmp_path / "loans.csv").read_bytes() == CSV
    assert server.sent == len(CSV)
    assert [path.name for path in tmp_path.glob(f"{UNFINISHED}*") if path.suffix != ".lock"] == []
