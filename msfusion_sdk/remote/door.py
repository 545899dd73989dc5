"""The one door to other machines: fsspec, opened where an address is given, and its errors.

Credentials are those that fsspec finds; what a server or library says of an address is shown
without its query.
"""

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from msfusion_sdk.errors import (
    MsfusionError,
    SlideAccessError,
    SlideError,
    SlideNotFoundError,
)
from msfusion_sdk.extras import import_extra
from msfusion_sdk.places.url import Url

__all__ = ["DEFECTS", "WAITS_S", "filesystem", "meaning", "patiently"]

T = TypeVar("T")

PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "https": "aiohttp", "http": "aiohttp"}
WAITS_S = (0.2, 1.0, 4.0, 10.0)
"""Before a server is asked again that did not answer; then the slide waits as one of a bad disk."""
STALLED_S = 30.0
"""Without a byte, after which a connection is taken for cut."""
DEFECTS = (TypeError, AttributeError, NameError, AssertionError, ImportError)
"""Of a program, and no answer of a server."""
NO_CREDENTIALS = re.compile("Credential|ClientAuthentication|TokenRetrieval")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>)]+")


def filesystem(url: Url) -> Any:
    """Return the file system of fsspec that an address belongs to.

    Raises
    ------
    MissingExtraError
        Without the extra ``[cloud]``.
    """
    purpose, otherwise = f"An address such as {url.scheme}://…", "copy the files to a disk"
    fsspec = import_extra("fsspec", "cloud", purpose, otherwise)
    import_extra(PACKAGES[url.scheme], "cloud", purpose, otherwise)
    if not url.is_web:
        return fsspec.filesystem(url.scheme)
    import aiohttp

    own = fsspec.config.conf.get(url.scheme, {}).get("client_kwargs", {})
    # By default five minutes for a whole file, and no proxy.
    limits = aiohttp.ClientTimeout(total=None, sock_connect=STALLED_S, sock_read=STALLED_S)
    # As it was given, where it can be sent like that: signatures are over the letters.
    encoded = url.full.isascii() and " " not in url.full
    return fsspec.filesystem(
        url.scheme,
        client_kwargs={"trust_env": True, "timeout": limits, **own},
        encoded=encoded,
    )


def patiently(url: Url, ask: Callable[[], T], doing: str = "read") -> T:
    """Return what ``ask`` returns; where a server does not answer it is asked again.

    Parameters
    ----------
    doing : str
        What is asked for, for the message: ``"read"`` or ``"written"``.

    Raises
    ------
    SlideError
        That says what the last answer means.
    """
    for wait in (*WAITS_S, None):
        try:
            return ask()
        except (MsfusionError, *DEFECTS):
            raise
        except Exception as error:  # each library has errors of its own
            found = meaning(url, error, doing)
        if wait is None or not found.retryable:
            break
        time.sleep(wait)
    # Without the library's own error behind it, which may hold the whole address.
    raise found from None


def meaning(url: Url, error: Exception, doing: str = "read") -> SlideError:
    """Return the error of ours that says what an answer of a server means."""
    status = _status(error)
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return SlideNotFoundError(f"There is no {url}. Check the address.")
    if isinstance(error, PermissionError) or status in (401, 403) or _lacks_credentials(error):
        public = " For data that are public: FSSPEC_S3_ANON=true." if url.scheme == "s3" else ""
        return SlideAccessError(
            f"{url} may not be {doing} ({_text(error)}). Credentials are those that fsspec finds: "
            f"its settings, the environment, the files of the provider.{public}"
        )
    is_final = status is not None and 400 <= status < 500 and status not in (408, 425, 429)
    remedy = "Check the address." if is_final else "Try again later."
    return SlideError(f"{url} cannot be {doing}: {_text(error)}. {remedy}", retryable=not is_final)


def _status(error: Exception) -> int | None:
    """Return the answer of HTTP that an error of any of the libraries holds."""
    for name in ("status", "status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value
    return None


def _lacks_credentials(error: Exception) -> bool:
    return any(NO_CREDENTIALS.search(kind.__name__) for kind in type(error).__mro__)


def _text(error: Exception) -> str:
    """Return what an error says, without addresses: they can hold signatures."""
    said = str(getattr(error, "message", "") or error).splitlines()
    text = ADDRESS.sub("the address", said[0].strip()) if said else ""
    status = _status(error)
    number = "" if status is None else f"{status} "
    return f"{number}{text}".strip().rstrip(".") or type(error).__name__
