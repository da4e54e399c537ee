"""A web server: http and https. Proxies and .netrc as everywhere; no header of ours reaches another host than asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from creditrisk.config import HttpOptions
from creditrisk.errors import MissingObject, OutsideFailed
from creditrisk.ports import StoredObject

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

TIMEOUTS_S = (10.0, 60.0)
"""To connect, and between two pieces."""

MAX_REDIRECTS = 5
_PIECE = 2**20

type Opened = AbstractContextManager["Response"]


class HttpRemote:
    """One file by its address."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._stat: StoredObject | None = None

    @property
    def uri(self) -> str:
        return shown(self._options.url)

    def stat(self) -> StoredObject:
        with self._opened({}, "HEAD") as response:
            if response.status_code == 200:
                self._stat = described(response, self.uri)
                return self._stat
        with self._opened({}) as response:  # a signed address often allows nothing but GET
            self._stat = described(response, self.uri)
        return self._stat

    @contextmanager
    def read(self, offset: int) -> Iterator[Iterator[bytes]]:
        with reading(self._opened, self._stat or self.stat(), offset) as chunks:
            yield chunks

    def _opened(self, headers: Mapping[str, str], method: str = "GET") -> Opened:
        return opened(self._options.url, headers, self._secrets(), self._how_to_sign_in(), method)

    def _secrets(self) -> dict[str, str]:
        """Header -> value, from the environment."""
        missing = [name for name in self._options.headers_from_env.values() if not os.environ.get(name)]
        if missing:
            raise OutsideFailed(
                f"the environment variable {' and '.join(missing)} is not set",
                where=self.uri,
                hint=f"set it to the value of the header: export {missing[0]}=...",
                retry_may_help=False,
            )
        values = {header: os.environ[name].strip() for header, name in self._options.headers_from_env.items()}
        for header, value in values.items():
            if not (value.isascii() and value.isprintable()):
                raise OutsideFailed(
                    f"{self._options.headers_from_env[header]} holds what a header cannot: a line break, or not ASCII",
                    where=self.uri,
                    hint="set it again, on one line",
                    retry_may_help=False,
                )
        return values

    def _how_to_sign_in(self) -> str:
        if self._options.headers_from_env:
            return f"look whether {' and '.join(self._options.headers_from_env.values())} is right and not expired"
        return "name a header under headers_from_env, or put the host into .netrc"


def shown(url: str) -> str:
    """The address without name, password, query and fragment: those may hold a signature."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


@contextmanager
def reading(
    opened_with: Callable[[Mapping[str, str]], Opened], stat: StoredObject, offset: int
) -> Iterator[Iterator[bytes]]:
    """The bytes from `offset` on of the version in `stat`, whether or not the server can begin in the middle.

    opened_with: asks for the file with these headers.
    """
    wanted = {"Range": f"bytes={offset}-", "If-Range": stat.version or ""} if offset else {}
    with opened_with(wanted) as response:
        if response.status_code == 416:  # it cannot count: ask for all of it
            response.close()
            with opened_with({}) as whole:
                yield _from(whole, stat, offset)
        else:
            yield _from(response, stat, offset)


def _from(response: Response, stat: StoredObject, offset: int) -> Iterator[bytes]:
    if response.status_code == 206:
        begin = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if begin != str(offset):
            raise OutsideFailed(f"asked for bytes from {offset} on, the server sends others", where=stat.uri)
        return _pieces(response, stat.uri)
    if response.status_code != 200:
        raise OutsideFailed(f"the server answers {response.status_code} instead of the file", where=stat.uri)
    if described(response, stat.uri).version != stat.version:
        raise OutsideFailed("the file changed while it was fetched", where=stat.uri)
    return _without_first(_pieces(response, stat.uri), offset)


def _pieces(response: Response, uri: str) -> Iterator[bytes]:
    """The body as it comes over the wire: as soon as it is there, and never unpacked on the way."""
    try:
        while piece := response.raw.read1(_PIECE, decode_content=False):
            yield piece
    except Exception as error:  # noqa: BLE001 - urllib3's errors and the system's have no base in common
        raise OutsideFailed(
            f"the connection broke off or stood still ({type(error).__name__})", where=uri, hint="run it again"
        ) from None


def _without_first(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[count:]
        count = max(count - len(piece), 0)


def described(response: Response, uri: str) -> StoredObject:
    """What the headers of a whole answer tell. An ETag that is only roughly true proves nothing: the date is used."""
    headers = response.headers
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    strong = etag if etag and not etag.startswith("W/") else None
    length = headers.get("Content-Length", "")
    chunked = "Transfer-Encoding" in headers
    return StoredObject(
        uri=uri,
        size=int(length) if length.isascii() and length.isdigit() and not chunked else None,
        version=strong or modified,
        modified=_moment(modified),
    )


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


@contextmanager
def opened(
    url: str, headers: Mapping[str, str], secrets: Mapping[str, str], how_to_sign_in: str, method: str = "GET"
) -> Iterator[Response]:
    """The answer to GET, its body unread: 200, 206 or 416; everything else is raised in our words. HEAD: any answer.

    secrets: headers for this host only. Redirects to another one go without them.
    """
    import requests

    first = here = urlsplit(url)
    with requests.Session() as session:
        for _ in range(MAX_REDIRECTS + 1):
            own = secrets if _same_place(first, here) else {}
            response = _asked(session, method, here.geturl(), {**_PLAIN, **headers, **own})
            if not response.is_redirect:
                with response:
                    if method == "GET":
                        _need_answered(response, shown(url), how_to_sign_in)
                    yield response
                return
            response.close()
            here = urlsplit(urljoin(here.geturl(), response.headers["Location"]))
    raise OutsideFailed(
        f"more than {MAX_REDIRECTS} redirects", where=shown(url), hint="give the final address", retry_may_help=False
    )


_PLAIN = {"Accept-Encoding": "identity", "User-Agent": "creditrisk"}


def _same_place(first: SplitResult, here: SplitResult) -> bool:
    """Same host and port, and no step down from https; http to https on the usual ports is a step up."""
    step_up = (first.scheme, first.port, here.scheme, here.port) == ("http", None, "https", None)
    return first.hostname == here.hostname and (step_up or (first.scheme, first.port) == (here.scheme, here.port))


def _asked(session: Session, method: str, url: str, headers: Mapping[str, str]) -> Response:
    """One request. What requests says of a failure may hold the address with its signature, so it is not passed on."""
    import requests

    def as_given(request: PreparedRequest) -> PreparedRequest:
        return request  # else .netrc would replace the header

    try:
        return session.request(
            method,
            url,
            headers=dict(headers),
            auth=as_given if any(name.lower() == "authorization" for name in headers) else None,
            stream=True,
            allow_redirects=False,
            timeout=TIMEOUTS_S,
        )
    except requests.exceptions.SSLError:
        what, hint, again = (
            "the server's certificate is not trusted",
            "set REQUESTS_CA_BUNDLE to your authority's",
            False,
        )
    except requests.exceptions.ProxyError:
        what, hint, again = "the proxy does not let it through", "look at HTTPS_PROXY and NO_PROXY", True
    except requests.exceptions.Timeout:
        what, hint, again = f"no answer within {TIMEOUTS_S[1]:.0f} s", "run it again later", True
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        what, hint, again = "this is not an address that can be asked", "correct url, or where it redirects to", False
    except requests.exceptions.RequestException as error:
        what, hint, again = f"cannot be reached ({type(error).__name__})", "look at the host's name and network", True
    raise OutsideFailed(what, where=shown(url), hint=hint, retry_may_help=again) from None


def _need_answered(response: Response, uri: str, how_to_sign_in: str) -> None:
    code = response.status_code
    if code in (200, 206, 416):
        return
    if code in (404, 410):
        raise MissingObject(f"the source has no such file (HTTP {code})", where=uri, hint="correct the address")
    says = {
        401: ("no credential, or one that is not accepted (HTTP 401)", how_to_sign_in),
        403: ("no permission to read it (HTTP 403)", f"ask its owner for access; {how_to_sign_in}"),
        407: ("the proxy asks for a credential (HTTP 407)", "look at HTTPS_PROXY"),
        429: ("too many requests (HTTP 429)", "run it again later"),
    }
    later = "run it again later" if code >= 500 else "ask its owner"
    what, hint = says.get(code, (f"the server answers HTTP {code}", later))
    raise OutsideFailed(
        what,
        where=uri,
        hint=hint,
        retry_may_help=code in (408, 425, 429) or code >= 500,
        retry_after_s=seconds_to_wait(response),
    )


def seconds_to_wait(response: Response) -> float | None:
    """What Retry-After asks: seconds, or a date."""
    text = response.headers.get("Retry-After")
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _moment(text)
    return None if moment is None else max((moment - datetime.now(UTC)).total_seconds(), 0.0)
