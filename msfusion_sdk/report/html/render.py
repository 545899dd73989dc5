"""From chapters to the text of a page that loads nothing and runs only its own script."""

import base64
import hashlib
from importlib.resources import files
from io import BytesIO

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from matplotlib.figure import Figure

__all__ = ["chart_uri", "picture_uri", "png_uri", "render"]

_PACKAGE = "msfusion_sdk.report.html"
_DEEPER = 2
"""Levels by which headings of a card move down: it is a part of a chapter."""


def render(**context: object) -> str:
    """Return the page; every text in ``context`` is escaped."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = _markdown
    style, script = _own("report.css"), _own("report.js")
    return environment.get_template("report.html").render(
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        **context,
    )


def picture_uri(figure: Figure, *, dpi: int) -> str:
    """Return a figure that holds photographs as a data URI: WebP, a fifth of the size of PNG."""
    data = BytesIO()
    figure.savefig(data, dpi=dpi, format="webp", pil_kwargs={"quality": 80})
    return _uri("webp", data.getvalue())


def chart_uri(figure: Figure, *, dpi: int) -> str:
    """Return a figure of lines and text as a data URI."""
    data = BytesIO()
    figure.savefig(data, dpi=dpi, format="png", bbox_inches="tight")
    return png_uri(data.getvalue())


def png_uri(data: bytes) -> str:
    """Return the bytes of a PNG file as a data URI."""
    return _uri("png", data)


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _own(name: str) -> str:
    return (files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what the content security policy calls the digest of an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _markdown(text: str) -> Markup:
    """Return Markdown as HTML; HTML in it is shown and not obeyed, pictures are left out."""
    # A card comes from elsewhere: nothing in it may load or lead to another place.
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link"])
    tokens = parser.parse(text)
    for token in tokens:
        if token.type.startswith("heading"):
            # HTML has no heading below the sixth.
            token.tag = f"h{min(6, int(token.tag[1]) + _DEEPER)}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))
