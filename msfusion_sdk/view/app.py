"""The addresses of the viewer and what they answer.

    /                                              the page, with the list of slides
    /static/<name>                                 one of our own files
    /slides/<key>/info.json                        size, levels, spacing, version of the file
    /slides/<key>/attention.json                   patches, tissue, notes
    /slides/<key>/<version>/<level>/<column>_<row>.jpg

Nothing in an address is ever part of a path: keys and names are looked up.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from msfusion_sdk._version import __version__
from msfusion_sdk.errors import SlideError
from msfusion_sdk.slides.files.stamp import FileStamp
from msfusion_sdk.view.attention import attention_of
from msfusion_sdk.view.catalog import Catalog, ListedSlide
from msfusion_sdk.view.guard import Guard
from msfusion_sdk.view.readers import SlideReaders

__all__ = ["Viewer"]

PACKAGE = "msfusion_sdk.view"
STATIC = {
    "openseadragon.js": ("openseadragon-6.1.1.min.js", "text/javascript"),
    "openseadragon.txt": ("openseadragon-6.1.1.LICENSE.txt", "text/plain"),
    "view.js": ("view.js", "text/javascript"),
    "overlay.js": ("overlay.js", "text/javascript"),
    "view.css": ("view.css", "text/css"),
}
# ASCII digits: ``\d`` also takes those of other scripts, and no tile has ten digits.
NUMBER = re.compile(r"[0-9]{1,9}")
REFUSED = 422
"""Of an answer that says why a slide cannot be shown."""


class Viewer:
    """The application and the processes that read slides for it.

    Parameters
    ----------
    catalog : Catalog
        All that can be reached.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._readers = SlideReaders()
        self._page = _page(catalog)
        folder = files(PACKAGE) / "static"
        self._static = {name: (folder / file).read_bytes() for name, (file, _) in STATIC.items()}
        slide = "/slides/{key}"
        routes = [
            Route("/", self._answer_page),
            Route("/static/{name}", self._answer_static),
            Route(f"{slide}/info.json", self._said(self._info)),
            Route(f"{slide}/attention.json", self._said(self._attention)),
            Route(f"{slide}/{{version}}/{{level}}/{{column}}_{{row}}.jpg", self._said(self._tile)),
        ]
        # Around all of it: an answer to an error of ours has the headers, too.
        self.app = Guard(Starlette(routes=routes))

    def close(self) -> None:
        """End all processes."""
        self._readers.close()

    async def _answer_page(self, request: Request) -> Response:
        return HTMLResponse(self._page)

    async def _answer_static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(404)
        return Response(self._static[name], media_type=STATIC[name][1])

    def _said(
        self, answer: Callable[[ListedSlide, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that says what is wrong with a slide."""

        async def endpoint(request: Request) -> Response:
            # A look-up among the slides that were listed at the start, never a path.
            listed = self._catalog.by_key.get(request.path_params["key"])
            if listed is None:
                raise HTTPException(404)
            try:
                return await answer(listed, request)
            except SlideError as error:
                said = {"code": error.code, "message": listed.without_folder(str(error))}
                return JSONResponse(said, status_code=REFUSED)

        return endpoint

    async def _info(self, listed: ListedSlide, request: Request) -> Response:
        info = await self._readers.ask(listed, "info")
        note = listed.without_folder(info["note"])
        return JSONResponse({"slide_id": listed.slide_id, **info, "note": note})

    async def _attention(self, listed: ListedSlide, request: Request) -> Response:
        _, *stamp = await self._readers.ask(listed, "file")
        info = await self._readers.ask(listed, "info")
        found = await asyncio.to_thread(attention_of, listed, FileStamp(*stamp), info["mpp"])
        return JSONResponse(found)

    async def _tile(self, listed: ListedSlide, request: Request) -> Response:
        at = [_number(request.path_params[name]) for name in ("level", "column", "row")]
        tile = await self._readers.ask(listed, "tile", request.path_params["version"], *at)
        if tile is None:
            raise HTTPException(404)
        return Response(tile, media_type="image/jpeg")


def _number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise HTTPException(404)
    return int(text)


def _page(catalog: Catalog) -> str:
    environment = Environment(
        loader=PackageLoader(PACKAGE, "static"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    context: dict[str, Any] = {"catalog": catalog, "version": __version__}
    return environment.get_template("view.html").render(context)
