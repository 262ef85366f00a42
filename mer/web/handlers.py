"""One function per route: page, uploads, state of clips, scores of other moments, files, deletion."""

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
from mer.web.downloads import ANNOTATED, DOWNLOADS, create_file, write_annotated
from mer.web.example import NAME, write_example
from mer.web.storage import safe_name
from mer_core.errors import LimitExceeded, UnreadableFile

MAX_JSON_BYTES, MAX_FACES = 10_000, 20
PAGE = Path(__file__).parent / "templates" / "page.html"


async def page(request: Request) -> Response:
    """Return the page; its script reads the clip's key from the address."""
    key = request.path_params.get("key")
    known = key is None or _clips(request).get(key) is not None
    return FileResponse(PAGE, 200 if known else 404, media_type="text/html")


async def settings(request: Request) -> Response:
    """Return bundles and limits."""
    all_clips = _clips(request)
    return JSONResponse(
        {"bundles": list(all_clips.bundles), "max_bytes": clips.MAX_BYTES, "keep_s": all_clips.keep_s}
    )


async def list_clips(request: Request) -> Response:
    """Return the state of every clip."""
    return JSONResponse(_clips(request).list())


async def upload(request: Request) -> Response:
    """Accept a clip whose file is the body: /api/clips?name=smile.mp4&bundle=synthetic."""
    all_clips, name = _clips(request), safe_name(request.query_params.get("name", ""))
    bundle = all_clips.check_bundle(request.query_params.get("bundle"))
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(411, "State the size of the clip (Content-Length).")
    _check_size(int(length))
    folder = all_clips.new_folder(int(length))
    try:
        with (folder / name).open("wb") as file:
            async for chunk in request.stream():
                _check_size(file.tell() + len(chunk) or 1)
                await run_in_threadpool(file.write, chunk)
        return JSONResponse(all_clips.to_dict(all_clips.add(folder, name, bundle)), 201)
    except ClientDisconnect:
        all_clips.storage.delete(folder)
        return Response(status_code=400)
    except BaseException:
        all_clips.storage.delete(folder)
        raise


async def example(request: Request) -> Response:
    """Queue the example clip."""
    all_clips = _clips(request)
    cache = all_clips.storage.root / NAME
    clip = all_clips.add(
        all_clips.new_folder(0),
        NAME,
        request.query_params.get("bundle"),
        lambda path, progress: write_example(path, cache, progress),
    )
    return JSONResponse(all_clips.to_dict(clip), 201)


async def status(request: Request) -> Response:
    """Return the state of one clip."""
    return JSONResponse(_clips(request).to_dict(_clip(request)))


async def result(request: Request) -> Response:
    """Return the result of one clip."""
    return _result_response(request, _analysed(request))


async def score(request: Request) -> Response:
    """Score between two frames, {"onset": 12, "apex": 18, "bundle": "synthetic"}, and return the result."""
    clip = _analysed(request)
    given = await _read_json(request)
    onset, apex, bundle = (given.get(name) for name in ("onset", "apex", "bundle"))
    if not (type(onset) is int and type(apex) is int and isinstance(bundle, (str, type(None)))):
        raise HTTPException(400, "Give onset and apex as frame numbers, and the name of a bundle or none.")
    await asyncio.wrap_future(_clips(request).score(clip, onset, apex, bundle))
    return _result_response(request, clip)


async def analyse(request: Request) -> Response:
    """Analyse a clip once more; {"face": 2} is the second largest face in view."""
    clip, face = _clip(request), (await _read_json(request)).get("face", 1)
    if type(face) is not int or not 1 <= face <= MAX_FACES:
        raise HTTPException(400, f"Give the face as a number from 1, the largest, to {MAX_FACES}.")
    _clips(request).analyse_again(clip, face)
    return JSONResponse(_clips(request).to_dict(clip), 202)


async def cancel(request: Request) -> Response:
    """Stop the analysis of a clip; its file remains until it is closed or expires."""
    clip = _clip(request)
    _clips(request).queue.cancel(clip.task)
    return JSONResponse(_clips(request).to_dict(clip))


async def close(request: Request) -> Response:
    """Delete a clip and everything made from it."""
    _clips(request).close(_clip(request))
    return Response(status_code=204)


async def annotate(request: Request) -> Response:
    """Queue the annotated video of the whole clip; its progress is in the clip's `video`."""
    clip = _analysed(request)
    _clips(request).annotate(clip, lambda progress: write_annotated(clip, progress))
    return JSONResponse(_clips(request).to_dict(clip), 202)


async def video(request: Request) -> Response:
    """Return the uploaded file, or the requested range of it, so that a player can seek."""
    clip = _clip(request)
    if clip.blur:
        raise HTTPException(403, "The recording is not shown (--blur); the annotated video shows the mesh.")
    return FileResponse(clip.path)


async def file(request: Request) -> Response:
    """Return a picture, or a file to save."""
    clip, name = _analysed(request), request.path_params["name"]
    if name not in DOWNLOADS:
        raise HTTPException(404, f"There is no file {name!r}. Available: {', '.join(DOWNLOADS)}.")
    if name == ANNOTATED and (clip.video is None or clip.video.state != "done"):
        raise HTTPException(409, "The video has not been drawn yet.")
    try:
        path = await asyncio.wrap_future(_clips(request).queue.call(lambda: create_file(clip, name)))
    except OSError:
        _clip(request)  # closed meanwhile
        raise
    if not path.is_file():
        raise HTTPException(404, "The two frames do not compare, so there is no picture of what moved.")
    kind = DOWNLOADS[name]
    is_shown = kind.name_end is None or "show" in request.query_params
    filename = None if is_shown else f"{clip.path.stem}{kind.name_end}"
    return FileResponse(path, media_type=kind.media_type, filename=filename)


def _clips(request: Request) -> Clips:
    return request.app.state.clips


def _clip(request: Request) -> Clip:
    clip = _clips(request).get(request.path_params["key"])
    if clip is None:
        minutes = _clips(request).keep_s / 60
        raise HTTPException(
            404, f"There is no such clip; clips are deleted {minutes:g} minutes after their analysis."
        )
    return clip


def _analysed(request: Request) -> Clip:
    clip = _clip(request)
    if clip.analysis is None:
        raise HTTPException(409, clip.task.message or "There is no result yet.")
    return clip


def _result_response(request: Request, clip: Clip) -> Response:
    return JSONResponse(
        _clips(request).to_dict(clip) | {"files": list(DOWNLOADS), "result": analysis.to_dict(clip.result)}
    )


async def _read_json(request: Request) -> dict[str, Any]:
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
    """Refuse an upload that is empty or too large."""
    if n_bytes == 0:
        raise UnreadableFile(
            "This file is empty (0 bytes). Copy it again from the camera or the disk that it came from."
        )
    if n_bytes > clips.MAX_BYTES:
        raise LimitExceeded(
            f"A clip may have up to {clips.MAX_BYTES / 1e6:.0f} MB; this one has {n_bytes / 1e6:.0f}. "
            "Cut it, or use mer spot on the command line."
        )
