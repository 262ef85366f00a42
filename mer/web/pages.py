"""The handlers: the page itself, clips sent in, how they stand, other moments, files of a result, closing."""

import asyncio
import json
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response

from mer.web import analysis, clips
from mer.web.clips import Clip, Clips
from mer.web.downloads import ANNOTATED, DOWNLOADS, make, write_annotated
from mer.web.example import NAME, write_example
from mer.web.storage import safe_name
from mer_core.errors import BadInput

MAX_JSON_BYTES, MAX_FACES = 10_000, 20
PAGE = Path(__file__).parent / "templates" / "page.html"


async def page(request: Request) -> Response:
    """The one page; its script reads the clip's key from the address."""
    key = request.path_params.get("key")
    known = key is None or _all(request).get(key) is not None
    return FileResponse(PAGE, 200 if known else 404, media_type="text/html")


async def settings(request: Request) -> Response:
    """What the page must know before there is a clip."""
    kept = _all(request)
    return JSONResponse({"bundles": list(kept.bundles), "max_bytes": clips.MAX_BYTES, "keep_s": kept.keep_s})


async def list_clips(request: Request) -> Response:
    """Every clip and how it stands."""
    return JSONResponse(_all(request).list())


async def upload(request: Request) -> Response:
    """Take a clip, the body being the file: /api/clips?name=smile.mp4&bundle=synthetic."""
    kept, name = _all(request), safe_name(request.query_params.get("name", ""))
    bundle = kept.check_bundle(request.query_params.get("bundle"))
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(411, "State the size of the clip (Content-Length).")
    _check_size(int(length))
    folder = kept.new_folder(int(length))
    try:
        with (folder / name).open("wb") as file:
            async for chunk in request.stream():
                _check_size(file.tell() + len(chunk) or 1)
                await run_in_threadpool(file.write, chunk)
        return JSONResponse(kept.to_dict(kept.add(folder, name, bundle)), 201)
    except ClientDisconnect:
        kept.storage.delete(folder)
        return Response(status_code=400)
    except BaseException:
        kept.storage.delete(folder)
        raise


async def example(request: Request) -> Response:
    """Add the rendered example to the queue."""
    kept = _all(request)
    cache = kept.storage.root / NAME
    clip = kept.add(
        kept.new_folder(0),
        NAME,
        request.query_params.get("bundle"),
        lambda path, progress: write_example(path, cache, progress),
    )
    return JSONResponse(kept.to_dict(clip), 201)


async def status(request: Request) -> Response:
    """How one clip stands."""
    return JSONResponse(_all(request).to_dict(_clip(request)))


async def result(request: Request) -> Response:
    """What was found in one clip."""
    return _result(request, _analysed(request))


async def score(request: Request) -> Response:
    """Score between two frames, {"onset": 12, "apex": 18, "bundle": "synthetic"}; returns the new result."""
    clip = _analysed(request)
    asked = await _json(request)
    onset, apex, bundle = (asked.get(name) for name in ("onset", "apex", "bundle"))
    if not (type(onset) is int and type(apex) is int and isinstance(bundle, (str, type(None)))):
        raise HTTPException(400, "Give onset and apex as frame numbers, and the name of a bundle or none.")
    await asyncio.wrap_future(_all(request).score(clip, onset, apex, bundle))
    return _result(request, clip)


async def analyse(request: Request) -> Response:
    """Analyse a clip once more, {"face": 2} the second largest face in view."""
    clip, face = _clip(request), (await _json(request)).get("face", 1)
    if type(face) is not int or not 1 <= face <= MAX_FACES:
        raise HTTPException(400, f"Give the face as a number from 1, the largest, to {MAX_FACES}.")
    _all(request).analyse_again(clip, face)
    return JSONResponse(_all(request).to_dict(clip), 202)


async def cancel(request: Request) -> Response:
    """Stop the analysis of a clip; its file stays until it is closed or expires."""
    clip = _clip(request)
    _all(request).queue.cancel(clip.task)
    return JSONResponse(_all(request).to_dict(clip))


async def close(request: Request) -> Response:
    """Delete a clip and everything made from it."""
    _all(request).close(_clip(request))
    return Response(status_code=204)


async def annotate(request: Request) -> Response:
    """Draw the annotated video of the whole clip; how far it is stands in the clip's `video`."""
    clip = _analysed(request)
    _all(request).annotate(clip, lambda progress: write_annotated(clip, progress))
    return JSONResponse(_all(request).to_dict(clip), 202)


async def video(request: Request) -> Response:
    """The file as it was sent in; parts of it on request, so that a player can seek."""
    return FileResponse(_clip(request).path)


async def file(request: Request) -> Response:
    """A picture, or a file to keep."""
    clip, name = _analysed(request), request.path_params["name"]
    if name not in DOWNLOADS:
        raise HTTPException(404, f"There is no file {name!r}. Known: {', '.join(DOWNLOADS)}.")
    if name == ANNOTATED and (clip.video is None or clip.video.state != "done"):
        raise HTTPException(409, "The video has not been drawn yet.")
    try:
        path = await asyncio.wrap_future(_all(request).queue.call(lambda: make(clip, name)))
    except OSError:
        _clip(request)  # closed meanwhile
        raise
    kind = DOWNLOADS[name]
    shown = kind.saved_as is None or "show" in request.query_params
    filename = None if shown else f"{clip.path.stem}{kind.saved_as}"
    return FileResponse(path, media_type=kind.media_type, filename=filename)


def _all(request: Request) -> Clips:
    return request.app.state.clips


def _clip(request: Request) -> Clip:
    clip = _all(request).get(request.path_params["key"])
    if clip is None:
        minutes = _all(request).keep_s / 60
        raise HTTPException(
            404, f"There is no such clip; clips are deleted {minutes:g} minutes after their analysis."
        )
    return clip


def _analysed(request: Request) -> Clip:
    clip = _clip(request)
    if clip.analysis is None:
        raise HTTPException(409, clip.task.message or "There is no result yet.")
    return clip


def _result(request: Request, clip: Clip) -> Response:
    return JSONResponse(
        _all(request).to_dict(clip) | {"files": list(DOWNLOADS), "result": analysis.to_dict(clip.result)}
    )


async def _json(request: Request) -> dict[str, Any]:
    try:
        if int(request.headers.get("content-length", MAX_JSON_BYTES + 1)) > MAX_JSON_BYTES:
            raise ValueError
        value = json.loads(await request.body())
        if not isinstance(value, dict):
            raise ValueError
        return value
    except ValueError as error:
        raise HTTPException(400, f"Send a JSON object of at most {MAX_JSON_BYTES} bytes.") from error


def _check_size(n_bytes: int) -> None:
    """Raise `BadInput` for an upload that holds nothing, or too much."""
    if n_bytes == 0:
        raise BadInput(
            "This file is empty (0 bytes). Copy it again from the camera or the disk that it came from."
        )
    if n_bytes > clips.MAX_BYTES:
        raise BadInput(
            f"A clip may have up to {clips.MAX_BYTES / 1e6:.0f} MB; this one has {n_bytes / 1e6:.0f}. "
            "Cut it, or use mer spot on the command line."
        )
