"""What the server answers, without a browser and models: who is let in, uploads, messages, deletion."""

import threading
import time

import pytest
from starlette.testclient import TestClient

from mer.web import analysis, clips
from mer.web.app import create_app
from mer.web.clips import Clips
from mer.web.storage import Storage
from mer_core.errors import BadInput, InUse, NothingToScore

BASE = "http://127.0.0.1:8765"


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "warm_up", lambda bundle: None)
    kept = Clips(Storage(tmp_path), {"synthetic": "shipped", "mine": "bundles/mine"}, keep_s=60)
    with TestClient(create_app(kept), base_url=BASE) as client:
        client.clips = kept
        yield client
    assert not list(tmp_path.iterdir())  # nothing outlives the server


def ended(client, key: str) -> dict:
    end = time.monotonic() + 10
    while (told := client.get(f"/api/clips/{key}").json())["state"] in ("waiting", "working"):
        assert time.monotonic() < end
        time.sleep(0.01)
    return told


def files(client) -> list[str]:
    return sorted(
        path.name for path in client.clips.storage.root.rglob("*") if path.is_file() and path.name != ".lock"
    )


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 200),
        ({"host": "localhost:8765", "origin": "http://localhost:8765", "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),  # a link to the page
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
    ],
)
def test_only_own_pages_and_this_machine_are_answered(client, headers, status):
    answer = client.get("/api/clips", headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "foreign-request"


def test_another_site_cannot_close_a_clip_by_navigation(client):
    headers = {"origin": "http://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert (
        client.post("/api/example", headers=headers).status_code == 403
        and client.get("/api/clips").json() == []
    )


def test_the_page_and_its_parts_name_no_other_address(client):
    page = client.get("/")
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    for part in ["/", *(f"/static/{name}" for name in ("base.css", "result.css", "main.js", "icon.svg"))]:
        text = client.get(part).text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text and "@import" not in text


@pytest.mark.parametrize("body, code", [(b"", "unreadable-file"), (b"x" * 11, "limit-exceeded")])
def test_a_file_without_content_or_too_large_is_refused_before_it_is_stored(client, monkeypatch, body, code):
    monkeypatch.setattr(clips, "MAX_BYTES", 10)
    answer = client.post("/api/clips?name=x.mp4", content=body)
    assert answer.status_code == 422 and answer.json()["code"] == code
    assert client.get("/api/clips").json() == [] and files(client) == []


def test_more_than_was_announced_is_refused_too(client, monkeypatch):
    monkeypatch.setattr(clips, "MAX_BYTES", 10)
    answer = client.post("/api/clips?name=x.mp4", content=b"x" * 30, headers={"content-length": "5"})
    assert answer.status_code == 422 and files(client) == []


@pytest.mark.parametrize("error, code", [(BadInput, "bad-input"), (NothingToScore, "nothing-to-score")])
def test_a_clip_that_cannot_be_analysed_says_why_by_its_name_until_it_is_closed(
    client, monkeypatch, error, code
):
    def analyse(path, bundle, progress, face):
        raise error(f"{path} has a problem.")

    monkeypatch.setattr(analysis, "analyse", analyse)
    key = client.post("/api/clips?name=holiday.mp4", content=b"text").json()["key"]
    told = ended(client, key)
    assert (told["state"], told["code"], told["message"]) == ("failed", code, "holiday.mp4 has a problem.")
    assert client.get(f"/api/clips/{key}/result").status_code == 409 and files(client) == ["holiday.mp4"]
    assert client.get(f"/clip/{key}").status_code == 200
    assert client.delete(f"/api/clips/{key}").status_code == 204 and files(client) == []
    assert (
        client.get(f"/api/clips/{key}").status_code == 404 and client.get(f"/clip/{key}").status_code == 404
    )


def test_what_was_being_made_while_a_clip_was_closed_is_deleted_too(client, monkeypatch):
    monkeypatch.setattr(analysis, "analyse", lambda path, bundle, progress, face: None)
    key = client.post("/api/clips?name=x.mp4", content=b"x").json()["key"]
    ended(client, key)
    folder, closed = client.clips.storage.root / key, threading.Event()

    def make():
        closed.wait(10)
        folder.mkdir()
        (folder / "late.png").touch()

    making = client.clips.queue.call(make)
    assert client.delete(f"/api/clips/{key}").status_code == 204 and not folder.exists()
    closed.set()
    making.result(10)
    client.clips.queue.call(lambda: None).result(10)
    assert not folder.exists()


def test_text_in_the_name_of_a_video_is_no_video(client):
    key = client.post("/api/clips?name=notes.mp4", content=b"Dear diary, " * 100).json()["key"]
    told = ended(client, key)
    assert (told["state"], told["code"]) == ("failed", "unreadable-video")
    assert told["message"].startswith("notes.mp4") and str(client.clips.storage.root) not in told["message"]


def test_a_clip_is_deleted_when_its_time_is_up(client, monkeypatch):
    monkeypatch.setattr(analysis, "analyse", lambda path, bundle, progress, face: None)
    client.clips.keep_s = 0.05
    key = client.post("/api/clips?name=x.mp4", content=b"x").json()["key"]
    end = time.monotonic() + 5
    while client.get(f"/api/clips/{key}").status_code == 200:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert files(client) == []


def test_only_bundles_that_are_offered_score_and_only_so_many_clips_are_kept(client, monkeypatch):
    monkeypatch.setattr(analysis, "analyse", lambda path, bundle, progress, face: None)
    assert client.get("/api/settings").json()["bundles"] == ["synthetic", "mine"]
    assert client.post("/api/clips?name=x.mp4&bundle=../secret", content=b"x").status_code == 422
    monkeypatch.setattr(clips, "MAX_CLIPS", 2)
    status = [client.post("/api/clips?name=x.mp4&bundle=mine", content=b"x").status_code for _ in range(3)]
    assert status == [201, 201, 422]


def test_a_player_gets_the_parts_that_it_asks_for(client, monkeypatch):
    monkeypatch.setattr(analysis, "analyse", lambda path, bundle, progress, face: None)
    key = client.post("/api/clips?name=x.mp4", content=bytes(range(100))).json()["key"]
    part = client.get(f"/api/clips/{key}/video", headers={"range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == bytes(range(10, 20))


def test_a_page_that_hides_faces_does_not_serve_the_recording(client, monkeypatch):
    monkeypatch.setattr(analysis, "analyse", lambda path, bundle, progress, face: None)
    client.clips.blur = True
    clip = client.post("/api/clips?name=x.mp4", content=b"x").json()
    assert clip["blur"] and client.get(f"/api/clips/{clip['key']}/video").status_code == 403


def test_what_is_queued_while_a_clip_is_analysed_again_is_refused(tmp_path):
    clip = clips.Clip("k", tmp_path / "k" / "face.mp4", "synthetic", clips.Task(lambda progress: None))
    with pytest.raises(InUse, match="face.mp4"):
        _ = clip.result
