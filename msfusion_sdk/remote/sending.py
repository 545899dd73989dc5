"""Send a file to an address: what is exported may leave this machine where somebody says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msfusion_sdk.errors import AddressError, SlideError, StoreError
from msfusion_sdk.places.url import Url
from msfusion_sdk.remote import door

__all__ = ["outgoing"]


@contextmanager
def outgoing(target: Path | Url) -> Iterator[Path]:
    """Yield where a file is to be written; at an address it is sent there when the block succeeds.

    An object store shows a file when all of it is there.

    Raises
    ------
    AddressError
        When nothing can be written to such an address.
    StoreError
        When it cannot be sent.
    MissingExtraError
        Without the extra ``[cloud]``.
    """
    if isinstance(target, Path):
        yield target
        return
    if target.is_web:
        msg = f"{target} is on a web server, which takes no files. Give a path, or s3://, gs://, az://."
        raise AddressError(msg)
    # Before hours of work: what is missing is said now.
    store = door.filesystem(target)
    with TemporaryDirectory(prefix="msfusion-") as folder:
        local = Path(folder, target.name)
        yield local
        _send(store, local, target)


def _send(store: Any, local: Path, target: Url) -> None:
    try:
        door.patiently(target, lambda: store.put_file(str(local), target.full), "written")
    except SlideError as error:
        raise StoreError(str(error), retryable=error.retryable) from None
