"""Addresses of files that are on no disk: parsed once, and shown without what is secret in them.

The rest of the package sees local copies of such files.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Self
from urllib.parse import quote, unquote

from msfusion_sdk.errors import AddressError

__all__ = ["SCHEMES", "Url", "find_url", "require_disk"]

SCHEMES = ("s3", "gs", "az", "https", "http")
WEB = ("https", "http")
# Two letters at least: "C:" is a disk.  A path object has lost one of the two slashes.
ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(/?)([^/].*)", re.DOTALL)


@dataclass(frozen=True)
class Url:
    """The address of a file, or of a folder, in an object store or on a web server.

    As text it is without its query, where signatures and tokens stand.
    """

    scheme: str
    place: str
    """Host, or bucket, and what follows it."""
    query: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address that a text is.

        Raises
        ------
        AddressError
            When its scheme is not known, or it holds a password.
        """
        scheme, _, rest = text.partition("://")
        scheme = scheme.lower()
        if scheme not in SCHEMES:
            msg = (
                f"Addresses that begin with {scheme}:// are not read (known: "
                f"{', '.join(f'{name}://' for name in SCHEMES)}). Copy the file, and give its path."
            )
            raise AddressError(msg)
        query = ""
        if scheme in WEB:  # in an object store "?" and "#" are letters of a name
            rest, _, query = rest.partition("#")[0].partition("?")
        host = rest.partition("/")[0]
        if "@" in host:
            msg = (
                f"The address {scheme}://…@{host.rpartition('@')[2]}/… holds a password, which "
                "would be stored with it. Leave it out: credentials are taken from where fsspec "
                "finds them."
            )
            raise AddressError(msg)
        return cls(scheme, rest, query)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}" + ("?…" if self.query else "")

    @property
    def full(self) -> str:
        """The whole address, for the server alone."""
        return f"{self.scheme}://{self.place}" + (f"?{self.query}" if self.query else "")

    @property
    def is_web(self) -> bool:
        """Whether a web server has it, which knows no folders."""
        return self.scheme in WEB

    @property
    def is_folder(self) -> bool:
        """Whether it is written as a folder: it ends in a slash."""
        return self.place.endswith("/")

    @property
    def name(self) -> str:
        """The last part, as a file on a disk can be called."""
        return _disk_name(self.place.rstrip("/").rpartition("/")[2], decode=self.is_web)

    @property
    def suffix(self) -> str:
        """What the name ends in, in lower case: ``.svs``."""
        return PurePath(self.name).suffix.lower()

    @property
    def parent(self) -> str:
        """The folder that it lies in, as text."""
        return f"{self.scheme}://{self.place.rstrip('/').rpartition('/')[0]}"

    def below(self, names: str) -> "Url":
        """Return the address of what lies in this folder under a name, or several with slashes."""
        names = quote(names) if self.is_web else names
        return Url(self.scheme, f"{self.place.rstrip('/')}/{names}")

    def beside(self, name: str) -> "Url":
        """Return the address of another file of the same folder."""
        return Url(self.scheme, self.place.rstrip("/").rpartition("/")[0]).below(name)

    def moved(self, old: "Url", new: "Url | Path") -> "Url | Path | None":
        """Return where it is after ``old`` went to ``new``; None if it is not in ``old``."""
        before = old.place.rstrip("/")
        if self.scheme != old.scheme or not f"{self.place}/".startswith(f"{before}/"):
            return None
        rest = self.place[len(before) :].strip("/")
        if isinstance(new, Url):
            return Url(new.scheme, f"{new.place.rstrip('/')}/{rest}".rstrip("/"), new.query)
        return new / (unquote(rest) if self.is_web else rest)


def find_url(value: "str | os.PathLike[str] | Url") -> Url | None:
    """Return the address that is meant, None when it is a path of a disk.

    A ``Path`` made of an address has lost a slash, and is understood.

    Raises
    ------
    AddressError
        When it is an address that cannot be used.

    Examples
    --------
    >>> str(find_url("s3://bucket/a.svs")), find_url("slides/a.svs")
    ('s3://bucket/a.svs', None)
    """
    if isinstance(value, Url):
        return value
    text = os.fsdecode(value)
    found = ADDRESS.fullmatch(text)
    if found is None:
        return None
    scheme, second, rest = found.groups()
    if not second and (isinstance(value, str) or scheme.lower() not in SCHEMES):
        return None
    return Url.parse(f"{scheme}://{rest}")


def require_disk(path: "str | os.PathLike[str]", what: str) -> Path:
    """Return the path of a file or folder, or raise when it is an address.

    Parameters
    ----------
    what : str
        What is to be there, the beginning of a sentence: ``"The folder of a cohort"``.

    Raises
    ------
    AddressError
    """
    if (url := find_url(path)) is not None:
        msg = f"{what} lies on a disk, and {url} is an address. Give a path."
        raise AddressError(msg)
    return Path(path)


def _disk_name(part: str, *, decode: bool) -> str:
    """Return a name that stays inside its folder."""
    name = unquote(part) if decode else part
    # A decoded slash would lead out of the folder for copies.
    if name in (".", "..") or any(sign in name for sign in "/\\\0"):
        return re.sub(r"[\\\0]|^\.\.?$", "_", part)
    return name
