"""What is said of a setting that cannot be: its name, what was given, and what it must be."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from msfusion_sdk.errors import SettingError

__all__ = ["possible_settings"]

BOUNDS = {"ge": "at least {:g}", "gt": "above {:g}", "le": "at most {:g}", "lt": "below {:g}"}
KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}


@contextmanager
def possible_settings(kind: type[BaseModel]) -> Iterator[None]:
    """Turn what pydantic says of impossible settings into one error of ours.

    Parameters
    ----------
    kind : type
        The settings that are made in the block.

    Raises
    ------
    SettingError
        Naming each setting that cannot be, with its value and range.
    """
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise SettingError(" ".join(_told(one, kind) for one in found)) from error


def _told(error: Mapping[str, Any], kind: type[BaseModel]) -> str:
    path, field = _field(error["loc"], kind)
    name, what = ".".join(path), error["type"]
    if what == "value_error":  # Of a check of our own, which says what it is about.
        text = str(error["ctx"]["error"])
        return f"{name}: {text}" if name else text
    if what == "extra_forbidden":
        return f"There is no setting {'.'.join((*path, str(error['loc'][-1])))}."
    if what == "missing":
        return f"{name} is missing."
    given, wanted = f"{name}={error['input']!r} cannot be", _wanted(field)
    return f"{given}: give {wanted}." if wanted else f"{given}: {error['msg']}."


def _field(place: Sequence[object], kind: type[BaseModel]) -> tuple[list[str], FieldInfo | None]:
    """Return the names that lead to a field, and the field.

    What is no name of a field is left out: a kind that was chosen in a union, a place in a list.
    """
    names: list[str] = []
    models, field = [kind], None
    for step in map(str, place):
        owner = next((model for model in models if step in model.model_fields), None)
        if owner is not None:
            field = owner.model_fields[step]
            names.append(step)
            models = list(_models(field.annotation))
    return names, field


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _wanted(field: FieldInfo | None) -> str:
    """Return what a field takes, in words; '' where only pydantic can say it."""
    if field is None:
        return ""
    if words := _words(field.annotation):
        return words
    kinds = [one for one in _choices(field.annotation) if one in KINDS]
    if not kinds:
        return ""
    bounds = {
        name: getattr(rule, name)
        for rule in field.metadata
        for name in BOUNDS
        if hasattr(rule, name)
    }
    text = KINDS[kinds[0]]
    if set(bounds) == {"ge", "le"}:
        text += f" from {bounds['ge']:g} to {bounds['le']:g}"
    elif bounds:
        said = " and ".join(BOUNDS[name].format(value) for name, value in bounds.items())
        text += f" {said}" if said.startswith(("above", "below")) else f" of {said}"
    multiples = [rule.multiple_of for rule in field.metadata if hasattr(rule, "multiple_of")]
    text += "".join(f", a multiple of {step:g}" for step in multiples)
    return f"{text}, or None" if type(None) in _choices(field.annotation) else text


def _choices(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or what is none by itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _words(annotation: Any) -> str:
    """Return the words that a field takes: ``'local' or 'ray'``."""
    literals = [one for one in _choices(annotation) if get_origin(one) is Literal]
    words = [repr(word) for one in literals for word in get_args(one)]
    if literals and type(None) in _choices(annotation):
        words.append("None")
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
