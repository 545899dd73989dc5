"""An option that may be repeated also takes several words after it: ``--slides a.svs b.svs``."""

from typing import Any

from typer.core import TyperCommand, TyperOption

__all__ = ["SeveralWords"]


class SeveralWords(TyperCommand):
    """A command whose repeatable options take all words up to the next option.

    Arguments therefore come first, or after an option that takes one word.
    """

    # The context is click's, or the copy of it inside newer versions of typer.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write the name of the option before each of its words, then parse as usual."""
        repeatable = {
            name
            for option in self.get_params(ctx)
            if isinstance(option, TyperOption) and option.multiple
            for name in option.opts
        }
        return super().parse_args(ctx, _repeated(args, repeatable))


def _repeated(args: list[str], repeatable: set[str]) -> list[str]:
    """Return the words with the option's name before each further word that belongs to it."""
    found: list[str] = []
    current, is_first = "", False
    for place, word in enumerate(args):
        # Behind it every word is an argument, as in other programs.
        if word == "--":
            return found + args[place:]
        # A dash alone is a word: many programs call standard input so.
        if word.startswith("-") and word != "-":
            name, has_value, _ = word.partition("=")
            current, is_first = (name if name in repeatable else ""), not has_value
        elif current and not is_first:
            found.append(current)
        else:
            is_first = False
        found.append(word)
    return found
