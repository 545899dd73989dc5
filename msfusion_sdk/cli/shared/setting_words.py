"""What is wrong with a setting, said of the option that a reader of the shell can type."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

__all__ = ["of_options", "options_of", "told"]

OTHERWISE_CALLED = {
    "tile_mpp": "--mpp",
    "context_view_px": "--view-px",
    "detail_view_px": "--view-px",
    "use": "--qc",
}
"""Options of settings whose own name is another one."""
BOUNDS = {"ge": "of at least {}", "gt": "above {}", "le": "of at most {}", "lt": "below {}"}
SETTING = re.compile(r"(?<!\S)(?:[a-z]\w*\.)*([a-z]\w*)=(?=\S+ cannot be)")


def told(error: ValidationError) -> str:
    """Return what is wrong with each setting, without the words of the library that checks."""
    sentences = (_sentence(one) for one in error.errors(include_url=False))
    return " ".join(dict.fromkeys(sentences))


def _sentence(one: Mapping[str, Any]) -> str:
    context = one.get("ctx", {})
    if one["type"] == "value_error":  # Of a check of our own, which says what it is about.
        return f"{str(context['error']).rstrip('.')}."
    given = f"{'.'.join(map(str, one['loc']))}={one['input']!r} cannot be"
    wanted = [text.format(context[bound]) for bound, text in BOUNDS.items() if bound in context]
    if wanted:
        return f"{given}: give a number {' and '.join(wanted)}."
    return f"{given}: {one['msg'][0].lower()}{one['msg'][1:]}."


def of_options(text: str, options: Collection[str]) -> str:
    """Return a message about settings, ``tissue.stain='x'`` say, with names of the options."""

    def named(found: re.Match[str]) -> str:
        usual = "--" + found[1].replace("_", "-")
        option = OTHERWISE_CALLED.get(found[1], usual)
        return f"{option} " if option in options else found[0]

    sentences = re.split(r"(?<=\.) ", SETTING.sub(named, text))
    return " ".join(dict.fromkeys(sentences))  # two settings may be one option


def options_of(group: Any, words: Sequence[str]) -> set[str]:
    """Return the options of the command that words call, below a group of typer's."""
    command = group
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    return {name for parameter in command.params for name in parameter.opts}
