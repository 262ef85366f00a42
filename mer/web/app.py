"""The application: routes, error answers, and what starts and stops with it."""

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

from mer.web import pages
from mer.web.clips import Clips
from mer.web.guard import Guard
from mer_core.errors import MerError

ROUTES = [
    Route("/", pages.page),
    Route("/clip/{key}", pages.page),
    Route("/api/settings", pages.settings),
    Route("/api/clips", pages.list_clips),
    Route("/api/clips", pages.upload, methods=["POST"]),
    Route("/api/example", pages.example, methods=["POST"]),
    Route("/api/clips/{key}", pages.status),
    Route("/api/clips/{key}", pages.close, methods=["DELETE"]),
    Route("/api/clips/{key}/result", pages.result),
    Route("/api/clips/{key}/score", pages.score, methods=["POST"]),
    Route("/api/clips/{key}/analyse", pages.analyse, methods=["POST"]),
    Route("/api/clips/{key}/cancel", pages.cancel, methods=["POST"]),
    Route("/api/clips/{key}/annotate", pages.annotate, methods=["POST"]),
    Route("/api/clips/{key}/video", pages.video),
    Route("/api/clips/{key}/files/{name}", pages.file),
    Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
]


def create_app(clips: Clips) -> Starlette:
    """The page over `clips`, which it starts and stops."""

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
    assert isinstance(error, MerError)  # registered for these alone
    return JSONResponse({"code": error.code, "message": str(error)}, 422)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # registered for these alone
    return JSONResponse({"code": f"http-{error.status_code}", "message": error.detail}, error.status_code)
