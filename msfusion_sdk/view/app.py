"""The addresses of the viewer and what they answer.

    /                                              the page, with the list of slides
    /static/<name>                                 one of our own files
    /slides/<key>/info.json                        size, levels, spacing, version of the file
    /slides/<key>/attention.json                   patches, tissue, notes
    /slides/<key>/<version>/<level>/<column>_<row>.jpg

Nothing in an address is ever part of a path: keys and names are looked up.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from msfusion_sdk._version import __version__
from msfusion_sdk.errors import SlideChangedError, SlideError, SlideResolutionError
from msfusion_sdk.slides.readers.file_kind import FileStamp
from msfusion_sdk.view.attention import attention_of
from msfusion_sdk.view.catalog import Catalog, ListedSlide
from msfusion_sdk.view.guard import Guard
from msfusion_sdk.view.tiles import TILE_PX, Shelf, TiledSlide

__all__ = ["THREADS", "Viewer"]

T = TypeVar("T")
THREADS = min(4, os.cpu_count() or 1)
"""Each reads and decodes; what more requests ask for waits."""
PACKAGE = "msfusion_sdk.view"
STATIC = {
    "openseadragon.js": ("openseadragon-6.1.1.min.js", "text/javascript"),
    "openseadragon.txt": ("openseadragon-6.1.1.LICENSE.txt", "text/plain"),
    "view.js": ("view.js", "text/javascript"),
    "overlay.js": ("overlay.js", "text/javascript"),
    "view.css": ("view.css", "text/css"),
}
NUMBER = re.compile(r"[0-9]{1,9}")
REFUSED = 422
"""Of an answer that says why a slide cannot be shown."""


class Viewer:
    """The application and the files that it holds open.

    Parameters
    ----------
    catalog : Catalog
        All that can be reached.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._shelf = Shelf()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="msfusion-view")
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
        """Wait for what is being read and close all files."""
        self._threads.shutdown(cancel_futures=True)
        self._shelf.close()

    async def _answer_page(self, request: Request) -> Response:
        return HTMLResponse(self._page)

    async def _answer_static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(404)
        return Response(self._static[name], media_type=STATIC[name][1])

    def _said(
        self, answer: Callable[[ListedSlide, Request], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that runs in a thread, and says what is wrong with a slide."""

        async def endpoint(request: Request) -> Response:
            listed = self._catalog.by_key.get(request.path_params["key"])
            if listed is None:
                raise HTTPException(404)
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(self._threads, answer, listed, request)
            except SlideError as error:
                said = {"code": error.code, "message": listed.without_folder(str(error))}
                return JSONResponse(said, status_code=REFUSED)

        return endpoint

    def _info(self, listed: ListedSlide, request: Request) -> Response:
        tiled = self._shelf.take(listed)
        width, height = tiled.slide.dimensions
        mpp, note = _spacing(tiled, listed)
        return JSONResponse(
            {
                "slide_id": listed.slide_id,
                "width": width,
                "height": height,
                "tile_px": TILE_PX,
                "min_level": tiled.min_level,
                "max_level": tiled.max_level,
                "mpp": mpp,
                "version": _version(tiled),
                "note": note,
            }
        )

    def _attention(self, listed: ListedSlide, request: Request) -> Response:
        return JSONResponse(attention_of(listed, FileStamp.of(listed.path)))

    def _tile(self, listed: ListedSlide, request: Request) -> Response:
        names = ("level", "column", "row")
        level, column, row = (_number(request.path_params[name]) for name in names)
        tiled = self._shelf.take(listed)
        if request.path_params["version"] != _version(tiled):
            # A page that was loaded before would mix two versions of the file.
            msg = f"{listed.path} has changed since it was shown. Load the page again."
            raise SlideChangedError(msg)
        if not tiled.has(level, column, row):
            raise HTTPException(404)
        return Response(tiled.tile(level, column, row), media_type="image/jpeg")


def _number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise HTTPException(404)
    return int(text)


def _version(tiled: TiledSlide) -> str:
    return hashlib.sha256(repr(tiled.slide.stamp).encode()).hexdigest()[:12]


def _spacing(tiled: TiledSlide, listed: ListedSlide) -> tuple[float | None, str]:
    """Return µm per pixel, or None and why."""
    try:
        return tiled.slide.spacing().mpp, ""
    except SlideResolutionError as error:
        return None, f"No scale bar: {listed.without_folder(str(error))}"


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
