"""The unit of time of an evaluation, in text and in arguments that are about to leave."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from msfusion_sdk.deprecation import warn_of
from msfusion_sdk.evaluation.result.evaluation import Evaluation

__all__ = ["takes_unit"]

P = ParamSpec("P")
R = TypeVar("R")


def takes_unit(
    function: Callable[Concatenate[Evaluation, P], R],
) -> Callable[Concatenate[Evaluation, P], R]:
    """Return ``function``, which also takes ``unit=`` as it once did, and then warns.

    Warns
    -----
    DeprecationWarning
        When ``unit`` is given: an evaluation knows its own.
    """

    @wraps(function)
    def warned(evaluation: Evaluation, *args: P.args, **kwargs: P.kwargs) -> R:
        given: Any = kwargs.pop("unit", None)
        if given is not None:
            what = f"unit= of {function.__name__}()"
            warn_of(what, "0.2", "0.3", 'y.attrs["unit"] = … before evaluate(…, y)')
            evaluation = replace(evaluation, unit=given)
        return function(evaluation, *args, **kwargs)

    # mypy takes the name of the first argument for a part of the type.
    kept: Any = warned
    return cast("Callable[Concatenate[Evaluation, P], R]", kept)
