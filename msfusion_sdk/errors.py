"""Every error the SDK raises, the base of its warnings, and the exit codes of its command line.

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
    │   ├── SlideTooLargeError                         more pixels than may be decoded at once
    │   ├── SlideTimeoutError (TimeoutError)           no progress before the deadline
    │   └── ReaderCrashedError                         the process that read it died
    ├── StainError (ValueError)                        a slide that does not look like H&E
    ├── AnnotationError (ValueError)                   a file of outlines that cannot be used
    ├── TableError (ValueError)                        a table that cannot be used as it is
    │   ├── DuplicateIdError                           two things under one identifier
    │   ├── IdMismatchError                            ids of one table that another lacks
    │   ├── IdTypeError                                ids that are numbers where text is meant
    │   ├── NonFiniteError                             NaN or infinity among the values
    │   ├── UnknownCategoryError                       a level that fitting never saw
    │   ├── SurvivalLabelError                         times or events that cannot be true
    │   ├── DegenerateSplitError                       no events, or one class only
    │   └── MissingModalityError                       a table or a patient without any modality
    ├── StoreError (OSError)
    │   ├── StoreCorruptError                          a file of ours that fails its checksum
    │   ├── StoreSchemaError                           a file that is not ours, or of another kind
    │   │   └── StoreVersionError                      written by a newer version
    │   ├── StoreAbsentError (LookupError)             what was asked for by name is not there
    │   ├── StoreUnfinishedError                       a folder whose making was interrupted
    │   ├── StoreMixedFeaturesError                    vectors of different models side by side
    │   ├── StoreConflictError                         two writers, one name, different content
    │   ├── StoreFullError                             no space or quota left
    │   └── StoreUnsupportedFSError                    a file system that cannot commit safely
    ├── WeightsError (ValueError)
    │   ├── UnsafeWeightsError                         a pickle: it could run code
    │   ├── WeightsCorruptError                        truncated, or not the bytes that were pinned
    │   ├── WeightsMismatchError                       tensors that do not fit the configuration
    │   ├── NonFiniteWeightsError                      NaN or infinity among the weights
    │   ├── ModelIdError                               neither a folder nor a valid hub id
    │   ├── UnpinnedWeightsError                       a hub repository without a commit
    │   ├── GatedWeightsError (PermissionError)        weights whose publisher asks for consent
    │   ├── WeightsLicenceError (PermissionError)      weights that may not be given to others
    │   ├── WeightsChangedError                        other weights under the same name
    │   ├── NetworkFactsError                          facts of a network that cannot be true
    │   ├── ImageSizeError                             images that a network cannot take
    │   ├── NetworkSpacingError                        a spacing that a network was not trained at
    │   └── UntrainedAttentionError                    scores by an attention that learned nothing
    ├── NonFiniteVectorError (FloatingPointError)      the networks answered with NaN or infinity
    ├── DeviceError (RuntimeError)                     a device or precision this machine lacks
    ├── PluginError (LookupError)                      an adapter missing, broken or claimed twice
    ├── PortError (OSError)                            a port that cannot be listened on
    ├── AddressError (ValueError)                      an address of a file that cannot be used
    ├── ShapeError (ValueError)                        arrays whose sizes do not fit together
    ├── InputTypeError (TypeError)                     an array for tables, a path for a model
    ├── SettingError (ValueError)                      a setting that cannot be, or is unknown
    ├── RunInterruptedError (KeyboardInterrupt)        stopped by a signal; what was done is kept
    └── MissingExtraError (ImportError)                an optional dependency is not installed

Warnings stand in the rooms that give them.  ``warnings.simplefilter("error", MsfusionWarning)``
makes errors of all of them, and of no other package's.

    MsfusionWarning (Warning)
    ├── TableWarning (UserWarning)                     cells that more often are a mistake
    ├── OutcomeWarning (UserWarning)                   labels that more often are a mistake
    ├── ZeroTimeWarning (UserWarning)                  follow-up of zero
    ├── LongTimeWarning (UserWarning)                  follow-up longer than people live
    ├── CurveWarning (UserWarning)                     a survival curve that says less than it seems
    ├── FewOutcomesWarning (UserWarning)               few events, or far fewer than columns
    ├── SeenPatientsWarning (UserWarning)              predictions for patients of training
    ├── PseudonymKeyWarning (UserWarning)              a key that others may read
    ├── CheckpointWarning (UserWarning)                a damaged checkpoint; one before it is used
    ├── UnpinnedWeightsWarning (UserWarning)           a repository without a commit
    └── MsfusionDeprecationWarning (DeprecationWarning) a name or argument that is about to leave
"""

from enum import IntEnum

__all__ = [
    "AddressError",
    "AnnotationError",
    "DegenerateSplitError",
    "DeviceError",
    "DuplicateIdError",
    "ExitCode",
    "GatedWeightsError",
    "IdMismatchError",
    "IdTypeError",
    "ImageSizeError",
    "InputTypeError",
    "MissingExtraError",
    "MissingModalityError",
    "ModelIdError",
    "MsfusionError",
    "MsfusionWarning",
    "NetworkFactsError",
    "NetworkSpacingError",
    "NonFiniteError",
    "NonFiniteVectorError",
    "NonFiniteWeightsError",
    "PluginError",
    "PortError",
    "ReaderCrashedError",
    "RunInterruptedError",
    "SettingError",
    "ShapeError",
    "SlideAccessError",
    "SlideChangedError",
    "SlideCorruptError",
    "SlideError",
    "SlideFormatError",
    "SlideGeometryError",
    "SlideNotFoundError",
    "SlidePixelTypeError",
    "SlideResolutionError",
    "SlideTimeoutError",
    "SlideTooLargeError",
    "StainError",
    "StoreAbsentError",
    "StoreConflictError",
    "StoreCorruptError",
    "StoreError",
    "StoreFullError",
    "StoreMixedFeaturesError",
    "StoreSchemaError",
    "StoreUnfinishedError",
    "StoreUnsupportedFSError",
    "StoreVersionError",
    "SurvivalLabelError",
    "TableError",
    "UnknownCategoryError",
    "UnpinnedWeightsError",
    "UnsafeWeightsError",
    "UntrainedAttentionError",
    "WeightsChangedError",
    "WeightsCorruptError",
    "WeightsError",
    "WeightsLicenceError",
    "WeightsMismatchError",
]


class ExitCode(IntEnum):
    """What the ``msfusion`` command returns to the shell."""

    OK = 0
    USAGE = 2
    FINISHED_WITH_FAILURES = 3
    TOO_MANY_FAILURES = 4
    STORE = 5
    INTERRUPTED = 130
    TERMINATED = 143


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


class SlideTimeoutError(SlideError, TimeoutError):
    """The slide made no progress before its deadline."""


class ReaderCrashedError(SlideError):
    """The process that read the slide died: a crash of native code, or out of memory."""


class StainError(MsfusionError, ValueError):
    """Two stains cannot be separated in the tissue that was given."""


class AnnotationError(MsfusionError, ValueError):
    """A file of outlines is damaged, of an unknown dialect, or holds what is no outline."""


class TableError(MsfusionError, ValueError):
    """A table is missing columns or holds values that cannot be used."""


class DuplicateIdError(TableError):
    """Two things have the same identifier, so one would overwrite the other."""


class IdMismatchError(TableError):
    """Identifiers of one table that another one lacks."""


class IdTypeError(TableError):
    """Identifiers that are numbers, dates or blanks where text is meant."""


class NonFiniteError(TableError):
    """NaN or infinity where a number is needed."""


class UnknownCategoryError(TableError):
    """A category that fitting never saw."""


class SurvivalLabelError(TableError):
    """Times or events that cannot be true, or that were declared the wrong way round."""


class DegenerateSplitError(TableError):
    """A fold, a class or a cohort that decides nothing: no events, or one class only."""


class MissingModalityError(TableError):
    """A modality that no patient has, or a patient without any modality."""

    patient_ids: tuple[str, ...] = ()
    """The patients without any, where it is they who lack something."""


class StoreError(MsfusionError, OSError):
    """A file written by the SDK cannot be read or written."""


class StoreCorruptError(StoreError):
    """A file of ours is damaged: a checksum failed or bytes are missing."""


class StoreSchemaError(StoreError):
    """A file is not one of ours, or not of the kind that is needed."""


class StoreVersionError(StoreSchemaError):
    """A file was written by a newer version of the SDK."""


class StoreAbsentError(StoreError, LookupError):
    """What was asked for by name is not there: results of a model, a folder."""


class StoreUnfinishedError(StoreError):
    """A folder is incomplete: the command that makes it was interrupted."""


class StoreMixedFeaturesError(StoreError):
    """Vectors of different models, or of different lengths, side by side."""


class StoreConflictError(StoreError):
    """Another writer committed different content under the same name."""


class StoreFullError(StoreError):
    """No space or no quota is left; what was committed before is complete."""


class StoreUnsupportedFSError(StoreError):
    """The file system cannot commit a file all at once."""


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


class UnpinnedWeightsError(WeightsError):
    """A hub repository is named without the commit that fixes its weights."""


class GatedWeightsError(WeightsError, PermissionError):
    """The publisher of the weights asks for an account and consent before they are given."""


class WeightsLicenceError(WeightsError, PermissionError):
    """The licence of the weights forbids what was asked, or nobody knows what it allows."""


class WeightsChangedError(WeightsError):
    """The weights are not those that the name, or the folder of the model, stood for."""


class NetworkFactsError(WeightsError):
    """The facts of a network contradict each other, or the network."""


class ImageSizeError(WeightsError):
    """The images that the settings make do not fit the network."""


class NetworkSpacingError(WeightsError):
    """Slides would be read at a spacing that the network was not trained at, or at none stated."""


class UntrainedAttentionError(WeightsError):
    """Scores by attention were asked of a network whose attention was never trained."""


class NonFiniteVectorError(MsfusionError, FloatingPointError):
    """The networks answered with NaN or infinity."""


class DeviceError(MsfusionError, RuntimeError):
    """The device or the precision that was asked for is not available here."""


class PluginError(MsfusionError, LookupError):
    """An adapter is not registered, cannot be loaded, or is claimed by two packages."""


class PortError(MsfusionError, OSError):
    """The port that was asked for is used by another program, or may not be used."""


class AddressError(MsfusionError, ValueError):
    """The address of a file is of an unknown kind, holds a password, or is no place to write to."""


class ShapeError(MsfusionError, ValueError):
    """Arrays or tables whose sizes do not fit together."""


class InputTypeError(MsfusionError, TypeError):
    """Something of another kind was given: an array for tables, or a path for a model."""


class SettingError(MsfusionError, ValueError):
    """A setting has a value that cannot be, or there is no such setting."""


class RunInterruptedError(MsfusionError, KeyboardInterrupt):
    """A run was stopped by a signal; everything committed before is kept.

    Parameters
    ----------
    signum : int
        The signal: 2 is Ctrl-C, 15 is what a batch system sends.
    """

    def __init__(self, message: str = "", *, retryable: bool = True, signum: int = 2) -> None:
        super().__init__(message, retryable=retryable)
        self.signum = signum

    def __reduce__(self) -> tuple[object, ...]:
        state = {"retryable": self.retryable, "signum": self.signum}
        return (type(self), (self.message,), state)


class MissingExtraError(MsfusionError, ImportError):
    """An optional dependency is not installed."""


class MsfusionWarning(Warning):
    """Base of every warning of the SDK: something was done, and may not be what was meant."""
