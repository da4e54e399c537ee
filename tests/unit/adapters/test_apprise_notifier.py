"""Messages by apprise to places on loopback: Slack's shape, a webhook, mail; secrets are told nowhere."""

from __future__ import annotations

import logging
import re
import socket
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from creditrisk.adapters.apprise_notifier import AppriseNotifier
from creditrisk.errors import BadConfig, CreditRiskError, OutsideFailed
from creditrisk.ports import Message
from tests.support.listening import Webhook, listening, mail_server
from tests.support.server_process import free_port

SECRET = "pLanTedSecret4711xyzAbCdE"
MOVED = Message(
    "creditrisk tiny: 1 new alarm (critical)", "CRITICAL: the scores moved <!channel>\n  now 0.13", "critical"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


@pytest.fixture
def hook(server: Webhook) -> Webhook:
    server.posted.clear()
    server.status = 200
    return server


@pytest.fixture
def slack(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of Slack's incoming webhooks, whose host is the one on loopback."""
    from apprise.plugins.slack import NotifySlack

    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{hook.port}/services")
    return f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRET[:24]}/#risk"


def send(address: str, message: Message = MOVED) -> None:
    AppriseNotifier("team", SecretStr(address)).send(message)


def test_slack_gets_one_attachment_with_title_text_and_colour_and_nothing_to_fetch(hook: Webhook, slack: str) -> None:
    send(slack)
    (posted,) = hook.posted
    assert posted.path == f"/services/T1JJ3T3L2/A1BRTD4JD/{SECRET[:24]}"
    told = posted.json()
    (attachment,) = told["attachments"]
    assert told["channel"] == "#risk"
    assert attachment["title"] == MOVED.title
    assert attachment["text"].endswith("  now 0.13")
    assert "<!channel>" not in attachment["text"]  # nobody is called by what stands in an alarm
    assert attachment["color"].startswith("#")
    assert b"http" not in posted.body


def test_a_plain_webhook_gets_title_message_and_severity_with_its_password(hook: Webhook) -> None:
    send(f"json://lender:{SECRET}@127.0.0.1:{hook.port}/hook")
    (posted,) = hook.posted
    assert posted.path == "/hook"
    assert {"title": MOVED.title, "message": MOVED.body, "type": "failure"}.items() <= posted.json().items()
    assert posted.headers["Authorization"].startswith("Basic ")


def test_mail_is_delivered_with_subject_and_plain_text_after_logging_in() -> None:
    with mail_server(password=SECRET) as box:
        send(f"mailto://lender:{SECRET}@127.0.0.1:{box.port}?from=creditrisk@lender.test&to=risk@lender.test")
    (letter,) = box.letters
    assert letter["Subject"] == MOVED.title
    assert "risk@lender.test" in letter["To"]
    assert "CRITICAL: the scores moved" in _text(letter)
    assert box.logins == [("lender", SECRET)]


def test_a_wrong_password_of_a_mail_server_is_told_without_it() -> None:
    with mail_server(password="another") as box:
        told = _fails(f"mailto://lender:{SECRET}@127.0.0.1:{box.port}?from=creditrisk@lender.test&to=risk@lender.test")
    assert isinstance(told, OutsideFailed)
    assert box.letters == []


@pytest.mark.parametrize(("status", "helps"), [(500, True), (429, True), (404, False), (401, False), (403, False)])
def test_a_status_is_told_and_whether_trying_again_may_help(
    status: int, helps: bool, hook: Webhook, slack: str
) -> None:
    hook.status = status
    told = _fails(slack)
    assert f"status {status}" in told.what
    assert told.retry_may_help is helps


def test_a_place_that_is_away_is_told_without_its_address() -> None:
    told = _fails(f"json://lender:{SECRET}@127.0.0.1:{free_port()}/hook")
    assert told.what == "channel team: nobody took the message"


def test_a_place_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        told = _fails(f"json://lender:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/hook?rto=0.2")
    assert told.what == "channel team: nobody took the message"


@pytest.mark.parametrize(
    "address",
    [
        f"nonsense://lender:{SECRET}@127.0.0.1/",
        f"slack://{SECRET}",
        SECRET,
        f"json://127.0.0.1/{SECRET} json://127.0.0.1/b",
    ],
)
def test_what_is_no_address_is_told_without_it(address: str) -> None:
    assert isinstance(_fails(address), BadConfig)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of plugins that are loaded here
def test_every_address_of_the_documentation_is_one(repository: Path) -> None:
    import apprise

    text = (repository / "docs" / "notifications.md").read_text(encoding="utf-8")
    addresses = re.findall(r"\| `(\w+://[^`]+)` \|", text)
    assert {address.partition(":")[0] for address in addresses} == {
        "slack", "workflows", "pagerduty", "mailtos", "jsons"
    }  # fmt: skip
    assert [address for address in addresses if apprise.Apprise.instantiate(address) is None] == []


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert _fails(f"json://{SECRET}@127.0.0.1/").hint == 'pip install "creditrisk[notify]"'


def test_nothing_is_logged_and_apprises_own_log_is_as_it_was(
    hook: Webhook, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("apprise")
    before = (list(logger.handlers), logger.propagate, logger.level)
    hook.status = 500
    with caplog.at_level(logging.DEBUG):
        _fails(f"json://lender:{SECRET}@127.0.0.1:{hook.port}/{SECRET}")
        _fails(f"nonsense://{SECRET}")
    assert (list(logger.handlers), logger.propagate, logger.level) == before
    told = capfd.readouterr()
    assert SECRET not in told.out + told.err + caplog.text


def _fails(address: str) -> CreditRiskError:
    """What it raises, in which no part of the secret stands."""
    with pytest.raises(CreditRiskError) as told:
        send(address)
    assert SECRET[:12] not in f"{told.value}{told.value!r}"
    return told.value


def _text(letter: EmailMessage) -> str:
    body = letter.get_body(preferencelist=("plain", "html"))
    assert body is not None
    return str(body.get_content())
