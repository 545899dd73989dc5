"""Write files so that a file that exists is complete."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path"]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block succeeds.

    The bytes are flushed to disk before the rename and the folder after it, so neither a
    crash nor a power cut leaves a half-written file.  When the block fails, the
    temporary file is removed and ``path`` is as it was.
    """
    target = Path(path)
    # The suffix stays, because writers choose the format by it; the leading dot hides
    # the file from readers of the folder.
    temporary = target.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
        _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
