"""What every setting is made of: immutable, refusing unknown keys, silent about what is new."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

__all__ = ["FrozenConfig"]


class FrozenConfig(BaseModel):
    """Immutable settings that refuse unknown keys.

    A field that was added later is named in ``_added``: it is written only where it differs
    from its default, so that what an older version wrote keeps its bytes and fingerprints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    _added: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_unused(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        for name in self._added:
            # By value: what was set to its default by hand is no other setting.
            if getattr(self, name) == type(self).model_fields[name].default:
                written.pop(name, None)
        return written
