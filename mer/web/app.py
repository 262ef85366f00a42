"""Build the application: routes, error responses, start and stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mer.web import handlers
from mer.web.clips import Clips
from mer.web.guard import Guard
from mer_core.errors import MerError

ROUTES = [
    Route("/", handlers.page),
    Route("/clip/{key}", handlers.page),
    Route("/api/settings", handlers.settings),
    Route("/api/clips", handlers.list_clips),
    Route("/api/clips", handlers.upload, methods=["POST"]),
    Route("/api/example", handlers.example, methods=["POST"]),
    Route("/api/clips/{key}", handlers.status),
    Route("/api/clips/{key}", handlers.close, methods=["DELETE"]),
    Route("/api/clips/{key}/result", handlers.result),
    Route("/api/clips/{key}/score", handlers.score, methods=["POST"]),
    Route("/api/clips/{key}/analyse", handlers.analyse, methods=["POST"]),
    Route("/api/clips/{key}/cancel", handlers.cancel, methods=["POST"]),
    Route("/api/clips/{key}/annotate", handlers.annotate, methods=["POST"]),
    Route("/api/clips/{key}/video", handlers.video),
    Route("/api/clips/{key}/files/{name}", handlers.file),
    Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
]


def create_app(clips: Clips) -> Starlette:
    """Return the application; it starts and stops `clips`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        clips.start()
        expiry = asyncio.create_task(clips.delete_expired())
        yield
        expiry.cancel()
        with suppress(asyncio.CancelledError):
            await expiry
        await asyncio.to_thread(clips.stop)

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Guard)],
        exception_handlers={MerError: _user_error, HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.clips = clips
    return app


async def _user_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MerError)  # no other type is registered
    return JSONResponse({"code": error.code, "message": str(error)}, 422)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # no other type is registered
    return JSONResponse({"code": f"http-{error.status_code}", "message": error.detail}, error.status_code)
