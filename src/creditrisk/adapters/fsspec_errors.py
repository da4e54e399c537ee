"""What goes wrong at a store, in this project's words. The libraries' own texts may hold credentials; none is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from creditrisk.adapters.fsspec_stores import Store
from creditrisk.errors import BadUsage, CreditRiskError, MissingObject, OutsideFailed

EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired", "RefreshError"}
WRONG = {
    "AuthenticationFailed", "AuthorizationHeaderMalformed", "ClientAuthenticationError", "InvalidAccessKeyId",
    "InvalidAuthenticationInfo", "InvalidToken", "MalformedError", "SignatureDoesNotMatch",
}  # fmt: skip
NONE_FOUND = {
    "CredentialUnavailableError", "CredentialRetrievalError", "DefaultCredentialsError", "NoAuthTokenError",
    "NoAuthenticationInformation", "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound",
    "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError",
}  # fmt: skip
MAY_PASS = {"InternalError", "RequestTimeout", "ServiceUnavailable", "ServerBusy", "SlowDown", "Throttling"}
MISSING = {"BlobNotFound", "ContainerNotFound", "NoSuchBucket", "NoSuchKey", "ResourceNotFoundError"}


@contextmanager
def in_our_words(where: str, store: Store) -> Iterator[None]:
    """Raises MissingObject when the object or its bucket is not there, else OutsideFailed; never what a library raised.

    where: the address without credentials.
    """
    try:
        yield
    except CreditRiskError:
        raise
    except ImportError as error:
        raise BadUsage(
            f"the library for this address is not installed ({error.name})",
            where=where,
            hint=f"pip install 'creditrisk[{store.extra}]'",
        ) from error
    except Exception as error:  # four libraries, each with errors of its own
        raise _translated(error, where, store) from error


def _translated(error: Exception, where: str, store: Store) -> CreditRiskError:
    told, status = list(_codes(error)), _status(error)
    codes, known = set(told), EXPIRED | WRONG | NONE_FOUND | MAY_PASS
    code = next((code for code in told if code in known), str(status or type(error).__name__))
    look = f"give others: {store.credentials}" if store.credentials else "look at the folder's owner and mode"
    if codes & NONE_FOUND or _no_account(error):
        return OutsideFailed("no credentials were found", where=where, hint=look, retry_may_help=False)
    if codes & EXPIRED:
        return OutsideFailed(
            "the credentials have expired", where=where, hint=f"renew them, or {look}", retry_may_help=False
        )
    if codes & WRONG or status == 401:
        what = f"the store does not accept the credentials ({code})"
        return OutsideFailed(what, where=where, hint=f"correct them, or {look}", retry_may_help=False)
    if status == 403 or isinstance(error, PermissionError) or str(error).startswith("Forbidden"):
        return OutsideFailed(
            "these credentials may not do this", where=where, hint=f"ask for the permission, or {look}",
            retry_may_help=False,
        )  # fmt: skip
    if isinstance(error, FileNotFoundError) or codes & MISSING or status == 404:
        return MissingObject("there is no such object or bucket", where=where, hint="correct the address")
    if codes & MAY_PASS or status is None or status in (408, 429) or status >= 500:
        return OutsideFailed(
            f"the store did not do its part ({code})",
            where=where,
            hint=f"run the command again; if it stays so, look at the network and at {store.address or 'the disk'}",
        )
    return OutsideFailed(
        f"the store refuses the request ({code})",
        where=where,
        hint=f"look at the address, the region and the credentials ({store.credentials})",
        retry_may_help=False,
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _codes(error: Exception) -> Iterator[str]:
    """The store's own codes, then the names of the exceptions that stand for one."""
    for each in _chain(error):
        response = getattr(each, "response", None)  # botocore
        if isinstance(response, dict):
            yield str(response.get("Error", {}).get("Code"))
        code = getattr(each, "error_code", "")  # azure: an enumeration where it knows the code, else text
        yield str(getattr(code, "value", code))
    for each in _chain(error):
        yield type(each).__name__


def _status(error: Exception) -> int | None:
    """The HTTP status, when there was an answer."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            found = getattr(each, "status_code", None) or getattr(each, "code", None) or getattr(each, "status", None)
        if str(found).isdigit():
            return int(str(found))
    return None


def _no_account(error: Exception) -> bool:
    """adlfs says so with a ValueError and the text of what it was given."""
    return isinstance(error, ValueError) and "unable to connect to account" in str(error)
