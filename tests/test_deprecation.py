"""What leaves still works, warns where it is used, and says what to write instead."""

import warnings
from importlib import import_module

import pytest

import msfusion_sdk.outcomes
import msfusion_sdk.survival
from msfusion_sdk._moved import MOVED
from msfusion_sdk.deprecation import deprecated, renamed_argument


def test_a_deprecated_function_warns_at_the_line_that_calls_it() -> None:
    @deprecated(since="0.2", removal="0.3", instead="new()")
    def old(number: int) -> int:
        return number + 1

    with pytest.warns(DeprecationWarning, match=r"old\(\).*since 0.2.*0.3. Use new\(\)") as seen:
        assert old(1) == 2
    assert seen[0].filename == __file__


def test_an_old_argument_is_passed_on_and_both_are_too_many() -> None:
    @renamed_argument("size", "size_px", since="0.2", removal="0.3")
    def cut(size_px: int) -> int:
        return size_px

    with pytest.warns(DeprecationWarning, match="size= of cut.*Use size_px="):
        assert cut(size=5) == 5  # type: ignore[call-arg]  # the old name
    with pytest.raises(TypeError, match="Give size_px="):
        cut(size=5, size_px=5)  # type: ignore[call-arg]


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_documented_modules_are_found_where_they_were(old: str, new: str) -> None:
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        for name in import_module(new).__all__:
            assert getattr(import_module(old), name) is getattr(import_module(new), name)


def test_a_name_of_an_old_module_says_where_it_is_now() -> None:
    with pytest.warns(DeprecationWarning, match="Use msfusion_sdk.survival.concordance_index"):
        from msfusion_sdk.survival.concordance import concordance_index  # type: ignore[import-not-found]
    assert concordance_index is msfusion_sdk.survival.concordance_index


def test_a_name_that_changed_is_still_found() -> None:
    with pytest.warns(DeprecationWarning, match="Use msfusion_sdk.outcomes.SurvivalOutcome"):
        from msfusion_sdk.survival.outcome import SurvivalLabels  # type: ignore[import-not-found]
    assert SurvivalLabels is msfusion_sdk.outcomes.SurvivalOutcome


def test_a_folder_that_was_a_module_still_has_its_names() -> None:
    with pytest.warns(DeprecationWarning, match="Use msfusion_sdk.survival.fit_cox"):
        from msfusion_sdk.survival.cox import fit_cox
    assert fit_cox is msfusion_sdk.survival.fit_cox
