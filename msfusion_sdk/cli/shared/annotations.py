"""How ``msfusion info`` shows what was drawn on a slide."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msfusion_sdk.inspect.annotations import AnnotationDescription

__all__ = ["annotation_rows"]

REPAIRS_SHOWN = 5


def annotation_rows(found: "AnnotationDescription") -> list[tuple[str, str]]:
    """Return (what, text) of each line."""
    rows = [("annotations", f"{found.dialect}, {found.file}")]
    for item in found.classes:
        area = "" if item.area_mm2 is None else f", {item.area_mm2:.4g} mm²"
        rows.append((f"  {item.name or '(no class)'}", f"{item.drawings} drawn{area}"))
    if found.ignored:
        kinds = "; ".join(f"{count} {kind}" for kind, count in found.ignored.items())
        rows.append(("  ignored", kinds))
    rows += [("  repaired", text) for text in found.repairs[:REPAIRS_SHOWN]]
    # A file from another program may have hundreds of rings that cross themselves.
    if (more := len(found.repairs) - REPAIRS_SHOWN) > 0:
        rows.append(("  repaired", f"{more} more; --json lists all"))
    return rows + [("  warning", text) for text in found.warnings]
