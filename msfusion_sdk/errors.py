"""Every error the SDK raises, and the exit codes of its command line.

Each class is ours *and* the built-in a caller would have guessed, so both
``except SlideError`` and ``except OSError`` work.  Every error survives pickling,
because slides are read in other processes.

    MsfusionError
    ├── SlideError (OSError)
    │   ├── SlideNotFoundError (FileNotFoundError)     no such file, or a loop of links
    │   ├── SlideAccessError (PermissionError)         the file is there and may not be read
    │   ├── SlideFormatError                           not a slide, or a slide of an unknown kind
    │   ├── SlideCorruptError                          a slide whose bytes are damaged
    │   ├── SlideChangedError                          the file changed while it was read
    │   ├── SlideGeometryError                         sizes in the header that cannot be true
    │   ├── SlideResolutionError                       microns per pixel missing or out of range
    │   ├── SlidePixelTypeError                        16 bit, float, greyscale, fluorescence
    │   └── SlideTooLargeError                         more pixels than may be decoded at once
    ├── TableError (ValueError)                        a table that cannot be used as it is
    │   └── DuplicateIdError                           two things under one identifier
    ├── StoreError (OSError)
    │   ├── StoreCorruptError                          a file of ours that fails its checksum
    │   └── StoreSchemaError                           a Parquet file that is not ours, or too new
    ├── WeightsError (ValueError)
    │   ├── UnsafeWeightsError                         a pickle: it could run code
    │   ├── WeightsCorruptError                        truncated, or not the bytes that were pinned
    │   ├── WeightsMismatchError                       tensors that do not fit the configuration
    │   ├── NonFiniteWeightsError                      NaN or infinity among the weights
    │   └── ModelIdError                               neither a folder nor a valid hub id
    ├── NonFiniteVectorError (FloatingPointError)      the networks answered with NaN or infinity
    ├── DeviceError (RuntimeError)                     a device or precision this machine lacks
    └── MissingExtraError (ImportError)                an optional dependency is not installed
"""

from enum import IntEnum

__all__ = [
    "DeviceError",
    "DuplicateIdError",
    "ExitCode",
    "MissingExtraError",
    "ModelIdError",
    "MsfusionError",
    "NonFiniteVectorError",
    "NonFiniteWeightsError",
    "SlideAccessError",
    "SlideChangedError",
    "SlideCorruptError",
    "SlideError",
    "SlideFormatError",
    "SlideGeometryError",
    "SlideNotFoundError",
    "SlidePixelTypeError",
    "SlideResolutionError",
    "SlideTooLargeError",
    "StoreCorruptError",
    "StoreError",
    "StoreSchemaError",
    "TableError",
    "UnsafeWeightsError",
    "WeightsCorruptError",
    "WeightsError",
    "WeightsMismatchError",
]


class ExitCode(IntEnum):
    """What the ``msfusion`` command returns to the shell."""

    OK = 0
    USAGE = 2
    FINISHED_WITH_FAILURES = 3
    STORE = 5
    INTERRUPTED = 130


class MsfusionError(Exception):
    """Base of every error of the SDK.

    Parameters
    ----------
    message : str
        What was asked, what was found, what to do next.
    retryable : bool
        True when the same call may succeed later (a network disk, say).
    """

    def __init__(self, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable

    @property
    def code(self) -> str:
        """The class name without ``Error``: the code used in tables and ledgers."""
        return type(self).__name__.removesuffix("Error")

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # OSError rebuilds itself from (errno, strerror), which would lose our message.
        return (type(self), (self.message,), {"retryable": self.retryable})


class SlideError(MsfusionError, OSError):
    """A slide could not be opened, understood or read."""


class SlideNotFoundError(SlideError, FileNotFoundError):
    """There is no file at this path."""


class SlideAccessError(SlideError, PermissionError):
    """The file is there and this user may not read it."""


class SlideFormatError(SlideError):
    """The path is not a slide that any reader here understands."""


class SlideCorruptError(SlideError):
    """The file is a slide whose bytes are damaged or incomplete."""


class SlideChangedError(SlideError):
    """The file was replaced or modified while it was being read."""


class SlideGeometryError(SlideError):
    """The header states sizes that cannot be true or are unsafe to allocate."""


class SlideResolutionError(SlideError):
    """Microns per pixel are missing, implausible, or too coarse for the model."""


class SlidePixelTypeError(SlideError):
    """The pixels are not 8-bit RGB brightfield."""


class SlideTooLargeError(SlideError):
    """A plain image holds more pixels than may be decoded at once."""


class TableError(MsfusionError, ValueError):
    """A table is missing columns or holds values that cannot be used."""


class DuplicateIdError(TableError):
    """Two things have the same identifier, so one would overwrite the other."""


class StoreError(MsfusionError, OSError):
    """A file written by the SDK cannot be read or written."""


class StoreCorruptError(StoreError):
    """A file of ours is damaged: a checksum failed or bytes are missing."""


class StoreSchemaError(StoreError):
    """A Parquet file is not one of ours, or comes from a newer version."""


class WeightsError(MsfusionError, ValueError):
    """A model folder cannot be used."""


class UnsafeWeightsError(WeightsError):
    """The weights are a pickle, which could run code when loaded."""


class WeightsCorruptError(WeightsError):
    """The weights are damaged, or are not the bytes the configuration pins."""


class WeightsMismatchError(WeightsError):
    """The tensors do not have the names and shapes the configuration asks for."""


class NonFiniteWeightsError(WeightsError):
    """A weight is NaN or infinite."""


class ModelIdError(WeightsError):
    """The model id is neither a folder nor a valid ``organisation/name``."""


class NonFiniteVectorError(MsfusionError, FloatingPointError):
    """The networks answered with NaN or infinity."""


class DeviceError(MsfusionError, RuntimeError):
    """The device or the precision that was asked for is not available here."""


class MissingExtraError(MsfusionError, ImportError):
    """An optional dependency is not installed."""
