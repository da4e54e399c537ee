"""Kaggle: a competition's or a data set's file. The official client asks; the bytes come from where it points."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from threading import Lock
from typing import TYPE_CHECKING, Any

from creditrisk.config import KaggleOptions
from creditrisk.errors import BadUsage, MissingObject, OutsideFailed
from creditrisk.ports import StoredObject
from creditrisk.sources.http import TIMEOUTS_S, described, opened, reading, seconds_to_wait

if TYPE_CHECKING:
    from requests import Response, Session

SIGN_IN = "export KAGGLE_API_TOKEN=..., or put a token where Kaggle's client looks: https://www.kaggle.com/settings/api"

_one_at_a_time = Lock()


class KaggleRemote:
    """One file; it may come zipped, as Kaggle likes."""

    def __init__(self, options: KaggleOptions) -> None:
        self._options = options
        self._stat: StoredObject | None = None

    @property
    def uri(self) -> str:
        return f"kaggle://{self._place}/{self._options.file}"

    @property
    def _place(self) -> str:
        options = self._options
        return f"competitions/{options.competition}" if options.competition else f"datasets/{options.dataset}"

    def stat(self) -> StoredObject:
        with self._answer() as answer:
            self._stat = described(answer, self.uri)
        return self._stat

    @contextmanager
    def read(self, offset: int) -> Iterator[Iterator[bytes]]:
        with reading(self._opened, self._stat or self.stat(), offset) as chunks:
            yield chunks

    @contextmanager
    def _opened(self, headers: Mapping[str, str]) -> Iterator[Response]:
        """The client's answer; from the middle on, what it was led to, asked again: the client knows no ranges."""
        with self._answer() as answer:
            if not headers or not answer.history:
                yield answer
                return
            address = answer.url
        with opened(address, headers, {}, SIGN_IN) as response:
            yield response

    @contextmanager
    def _answer(self) -> Iterator[Response]:
        from requests import RequestException

        with signed_in() as client, _bounded(client):
            try:
                answer = self._asked(client)
            except RequestException as error:
                raise self._told(error) from None
            with answer:
                yield answer

    def _asked(self, client: Any) -> Response:
        from kaggle.api.kaggle_api_extended import ApiDownloadDataFileRequest, ApiDownloadDatasetRequest

        options = self._options
        if options.competition:
            wanted = ApiDownloadDataFileRequest()
            wanted.competition_name, wanted.file_name = options.competition, options.file
            return client.competitions.competition_api_client.download_data_file(wanted)
        of_set = ApiDownloadDatasetRequest()
        of_set.owner_slug, _, of_set.dataset_slug = (options.dataset or "").partition("/")
        of_set.file_name = options.file
        return client.datasets.dataset_api_client.download_dataset(of_set)

    def _told(self, error: Any) -> OutsideFailed | MissingObject:
        """Kaggle's answer in our words."""
        code = error.response.status_code if error.response is not None else None
        page = f"https://www.kaggle.com/{self._place}"
        if code == 404:
            kind = "competitions" if self._options.competition else "datasets"
            name = self._options.competition or self._options.dataset
            return MissingObject(
                "Kaggle has no such file", where=self.uri, hint=f"see what there is: kaggle {kind} files {name}"
            )
        if code == 403 and self._options.competition:
            what, hint = "Kaggle says no: the competition's rules are not accepted", f"accept them at {page}/rules"
        elif code == 403:
            what, hint = "Kaggle says no: no permission to read the data set", f"open {page} and ask for access"
        elif code == 401:
            what, hint = "Kaggle does not accept the credential", SIGN_IN
        elif code is None:
            what, hint = f"Kaggle cannot be reached ({type(error).__name__})", "look at the network and HTTPS_PROXY"
        else:
            what, hint = f"Kaggle answers HTTP {code}", "run it again later"
        again = code is None or code in (408, 429) or code >= 500
        wait = seconds_to_wait(error.response) if error.response is not None else None
        return OutsideFailed(what, where=self.uri, hint=hint, retry_may_help=again, retry_after_s=wait)


@contextmanager
def signed_in() -> Iterator[Any]:
    """The official client with the credentials that it finds itself.

    Its import already signs in, prints what to do where it cannot, and wants to end the process.
    """
    with _one_at_a_time, redirect_stdout(io.StringIO()):
        try:
            from kaggle.api.kaggle_api_extended import KaggleApi
        except ImportError:
            raise BadUsage(
                "Kaggle's client is not installed", where="kaggle", hint="pip install 'creditrisk[kaggle]'"
            ) from None
        try:
            api = KaggleApi()
            api.authenticate()
        except SystemExit:
            raise OutsideFailed(
                "no credential for Kaggle was found",
                where="kaggle",
                hint=f"{SIGN_IN}; or name a folder that holds the files: --raw DIR",
                retry_may_help=False,
            ) from None
        except OSError as error:  # requests' errors are OSErrors
            raise OutsideFailed(
                f"Kaggle's client cannot sign in ({type(error).__name__})", where="kaggle", hint=SIGN_IN
            ) from None
        client = api.build_kaggle_client()
    with client:
        yield client


@contextmanager
def _bounded(client: Any) -> Iterator[None]:
    """The client waits for ever where nobody answers; give its session a time limit."""
    from requests.adapters import HTTPAdapter

    class Bounded(HTTPAdapter):
        def send(self, request: Any, *args: Any, **kwargs: Any) -> Response:
            return super().send(request, *args, **{**kwargs, "timeout": kwargs.get("timeout") or TIMEOUTS_S})

    session: Session | None = getattr(client.http_client(), "_session", None)
    if session is not None:
        session.mount("https://", Bounded())
        session.mount("http://", Bounded())
    yield
