"""What tells that a slide is still the file it was: size and time, of every file it consists of."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from msfusion_sdk.errors import SlideChangedError
from msfusion_sdk.slides.files.companions import companions
from msfusion_sdk.slides.files.disk import disk_error

__all__ = ["FileStamp"]


@dataclass(frozen=True)
class FileStamp:
    """What must stay the same while a slide is read, and from one run to the next.

    Neither device nor inode: they change when a network disk is mounted anew.
    """

    size_bytes: int
    mtime_ns: int
    companions: str | None = None
    """Digest of the sizes and times of all files, where a slide is more than one file."""
    remote: str | None = None
    """Checksum, ETag or time of change as its server states it, where it is on no disk."""

    @classmethod
    def of(cls, path: Path) -> "FileStamp":
        """Take the stamp of a slide's main file and its companions, or say why it cannot be had."""
        try:
            status = path.stat()
            files = companions(path)
            # A slide of one file keeps the stamp that version 0.1.0 gave it, without a digest.
            marks = [file.stat() for file in files] if len(files) > 1 else []
        except OSError as error:
            raise disk_error(path, error) from error
        if not marks:
            return cls(status.st_size, status.st_mtime_ns)
        text = ";".join(f"{mark.st_size},{mark.st_mtime_ns}" for mark in marks)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if path.is_dir():
            # A folder's own size and time say nothing of what is in its files.
            size, mtime = sum(m.st_size for m in marks), max(m.st_mtime_ns for m in marks)
            return cls(size, mtime, digest)
        return cls(status.st_size, status.st_mtime_ns, digest)

    def check(self, path: Path) -> None:
        """Raise ``SlideChangedError`` when ``path`` is no longer the slide that was opened."""
        self.require_same(FileStamp.of(path), path)

    def require_same(self, now: "FileStamp", path: Path) -> None:
        """Raise ``SlideChangedError`` when a stamp taken later differs."""
        if now != self:
            msg = (
                f"{path} was replaced or modified while it was being read, so its pixels may mix "
                "two versions. Encode it again when the copy is complete."
            )
            raise SlideChangedError(msg, retryable=True)
