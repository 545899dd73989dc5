"""The names a user imports: all there, few, and documented."""

import inspect

import pytest

import msfusion_sdk
from msfusion_sdk import errors


def test_the_promised_names_are_public() -> None:
    assert {
        "Cohort",
        "EncoderConfig",
        "FusionClassifier",
        "FusionSurvival",
        "SlideEmbedding",
        "SlideEncoder",
        "evaluate",
        "list_adapters",
    } <= set(msfusion_sdk.__all__)  # type: ignore[attr-defined]


def test_there_are_at_most_twenty_public_names() -> None:
    assert len(msfusion_sdk.__all__) <= 20  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", msfusion_sdk.__all__)  # type: ignore[attr-defined]
def test_every_public_name_is_there_listed_and_documented(name: str) -> None:
    value = getattr(msfusion_sdk, name)
    assert name in dir(msfusion_sdk)
    assert inspect.getdoc(value)


@pytest.mark.parametrize("name", msfusion_sdk.__all__)  # type: ignore[attr-defined]
def test_every_public_method_is_documented(name: str) -> None:
    value = getattr(msfusion_sdk, name)
    methods = vars(value).items() if inspect.isclass(value) else ()
    undocumented = [n for n, m in methods if not n.startswith("_") and not inspect.getdoc(m)]
    assert [n for n in undocumented if not n.startswith("model_")] == []


def test_an_unknown_name_is_the_error_of_the_language() -> None:
    with pytest.raises(AttributeError, match=r"msfusion_sdk attribute.*nothing"):
        _ = msfusion_sdk.nothing  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert msfusion_sdk.__version__ == version("msfusion-sdk")


def test_every_error_class_is_listed_drawn_and_ours() -> None:
    classes = [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    ]
    for cls in classes:
        assert cls.__name__ in errors.__all__
        if issubclass(cls, BaseException):
            assert issubclass(cls, errors.MsfusionError | errors.MsfusionWarning)
            assert cls.__name__ in errors.__doc__
