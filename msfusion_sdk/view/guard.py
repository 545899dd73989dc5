"""What every answer must meet: asked under this machine's own name, and for this page alone.

A foreign page can make the browser ask 127.0.0.1 under a name of its own (DNS rebinding); the
Host header gives it away.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard"]

HOSTS = ("127.0.0.1", "localhost")
EMPTY = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""The digest of no text: the page has one such style, in place of one that would be refused."""
HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; script-src 'self'; style-src 'self' '{EMPTY}'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    # Without it, any page could show tiles as its own pictures.
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # Pictures of patients stay out of the browser's cache on disk.
    "cache-control": "no-store",
}


class Guard:
    """Refuses foreign hosts and adds ``HEADERS`` to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        hosts = Headers(scope=scope).getlist("host")
        is_ours = len(hosts) == 1 and hosts[0].partition(":")[0] in HOSTS
        app = self._app if is_ours else _REFUSAL
        await app(scope, receive, send_with_headers)


_REFUSAL = PlainTextResponse(
    "The viewer answers only under 127.0.0.1 or localhost: open the address that it printed.",
    status_code=400,
)
