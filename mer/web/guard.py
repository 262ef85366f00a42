"""Refuse requests that do not come from this server's own page.

A site that the user visits can make the browser send requests here. Its Origin, its fetch metadata, or its
host name (DNS rebinding) reveals it.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware that refuses foreign requests and adds `HEADERS` to every response."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        app: ASGIApp = self.app
        if not is_own(Headers(scope=scope), scope["method"]):
            message = "This page responds to its own machine only. Open the address that mer app printed."
            app = JSONResponse({"code": "foreign-request", "message": message}, 403)
        await app(scope, receive, send_guarded)


def is_own(headers: Headers, method: str) -> bool:
    """Return whether the sender is this server's page, the address bar, or a program on this machine."""
    host = headers.get("host", "")
    if host.rsplit(":", 1)[0] not in HOSTS:
        return False
    if headers.get("origin", f"http://{host}") != f"http://{host}":
        return False
    navigates = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return navigates or headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
