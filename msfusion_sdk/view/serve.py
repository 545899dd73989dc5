"""Serve the viewer on this machine until Ctrl-C."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress

from msfusion_sdk.errors import PortError
from msfusion_sdk.extras import missing_extra
from msfusion_sdk.view.catalog import open_catalog

__all__ = ["serve"]

ADDRESS = "127.0.0.1"
"""Of this machine alone: slides are patient data, and the viewer asks nobody for a password."""
BACKLOG = 256
LAST_ANSWERS_S = 2
MAX_HEAD_BYTES = 16_384


def serve(
    path: str | os.PathLike[str],
    *,
    port: int,
    model: str | None = None,
    announce: Callable[[str], None],
) -> None:
    """Show a cohort or a slide in the browser; returns after Ctrl-C.

    Parameters
    ----------
    path : path
        A cohort folder, or a slide.
    port : int
        On 127.0.0.1; 0 takes one that is free.
    model : str, optional
        The first letters of a fingerprint, when several models have encoded a cohort.
    announce : callable
        Called with the address once it answers.

    Raises
    ------
    MissingExtraError
        Without starlette and uvicorn.
    PortError
        When another program listens on the port.
    SlideError, StoreError
        When the slide or the cohort cannot be opened.
    """
    try:
        import uvicorn

        from msfusion_sdk.view.app import Viewer
        from msfusion_sdk.view.connections import BoundedProtocol
    except ModuleNotFoundError as error:
        raise missing_extra(error.name, "view", "The slide viewer") from error
    viewer = Viewer(open_catalog(path, model))
    config = uvicorn.Config(
        viewer.app,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        # A header must not be able to say under which address the request came.
        proxy_headers=False,
        timeout_graceful_shutdown=LAST_ANSWERS_S,
        http=BoundedProtocol,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    try:
        # Bound before it is announced, so that the address answers and port 0 has a number.
        with _listening(port) as listening:
            announce(f"http://{ADDRESS}:{listening.getsockname()[1]}/")
            # uvicorn ends in order and then repeats the signal.
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listening])
    finally:
        viewer.close()


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port), backlog=BACKLOG)
    except OSError as error:
        msg = (
            f"The viewer cannot listen on port {port} of {ADDRESS}: {error.strerror}. End the "
            "program that uses it, or give another with --port, for example --port 0 for any "
            "that is free."
        )
        raise PortError(msg) from error
