import inspect
import pickle

import pytest

from msfusion_sdk import errors
from msfusion_sdk.errors import MsfusionError

CLASSES = [
    item
    for item in vars(errors).values()
    if inspect.isclass(item) and issubclass(item, MsfusionError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling(kind: type[MsfusionError]) -> None:
    back = pickle.loads(pickle.dumps(kind("slide.svs is damaged.", retryable=True)))
    assert (type(back), str(back), back.retryable) == (kind, "slide.svs is damaged.", True)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_exported_and_drawn_in_the_tree(kind: type[MsfusionError]) -> None:
    assert kind.__name__ in errors.__all__
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_code_is_the_class_name_without_error(kind: type[MsfusionError]) -> None:
    assert kind("").code + "Error" == kind.__name__


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.SlideNotFoundError, FileNotFoundError),
        (errors.SlideAccessError, PermissionError),
        (errors.SlideCorruptError, OSError),
        (errors.AnnotationError, ValueError),
        (errors.TableError, ValueError),
        (errors.StoreCorruptError, OSError),
        (errors.StoreAbsentError, LookupError),
        (errors.UnsafeWeightsError, ValueError),
        (errors.DeviceError, RuntimeError),
        (errors.MissingExtraError, ImportError),
    ],
)
def test_an_error_is_also_the_built_in_a_caller_would_guess(
    kind: type[MsfusionError], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin):
        raise kind


def test_exit_codes_are_distinct() -> None:
    codes = [code.value for code in errors.ExitCode]
    assert len(codes) == len(set(codes))
