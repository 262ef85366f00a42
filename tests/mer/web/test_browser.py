"""The page in a real browser: ways in, the result, several clips and tabs, messages, keyboard, sizes."""

import threading
from pathlib import Path

import pytest

from mer.web import analysis, clips
from tests.mer.web.conftest import eventually

pytestmark = pytest.mark.browser
IMAGES = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
ERROR = "!document.getElementById('error').hidden && document.getElementById('error').textContent"
RESULT = "!document.getElementById('result').hidden"
SAVED = [
    "report.html",
    "intervals.csv",
    "intervals.eaf",
    "frames.csv",
    "moment.mp4",
    "timeline.png",
    "score.json",
]
CHECKS = (Path(__file__).parent / "checks.js").read_text()


def test_a_chosen_clip_gets_an_address_of_its_own_that_survives_a_reload(page, analysed):
    browser = page.open(analysed)
    assert analysed.startswith("clip/")
    browser.wait(RESULT)
    assert browser.run("document.getElementById('title').textContent") == "smile.mp4"
    assert "%" in browser.run("document.getElementById('headline').textContent")
    assert browser.run("document.getElementById('label').textContent").startswith(("Positive", "No label"))
    browser.wait(IMAGES)
    browser.wait("document.getElementById('video').readyState >= 2")
    assert browser.run("document.title") == "smile.mp4 – mer" and not browser.problems()


def test_the_curve_has_axes_lines_up_with_the_sliders_and_moves_the_video(page, analysed):
    browser = page.open(analysed)
    browser.wait(RESULT)
    text = browser.run("document.querySelector('#timeline svg').textContent")
    assert "motion, % of the inter-ocular distance" in text and "time, s" in text
    for width in (1280, 390):
        browser.size(width, 900)
        for name in ("onset", "apex"):
            browser.wait(f"(([a, b]) => Math.abs(a - b) < 2)({CHECKS}.onAxis('{name}'))", 30)
    browser.size(1280, 900)
    browser.run("document.getElementById('timeline').scrollIntoView({block: 'center'})")
    left, top, width = browser.run(
        "(r => [r.x + 76, r.y + 90, r.width - 92])(document.querySelector('#timeline svg')"
        ".getBoundingClientRect())"
    )
    browser.wait("document.getElementById('video').readyState >= 1")
    browser.click_at(left + width / 2, top)
    length = browser.run("Number(document.querySelector('#timeline svg').getAttribute('aria-valuemax'))")
    browser.wait(f"Math.abs(document.getElementById('video').currentTime - {length / 2}) < {length / 20}", 30)


def test_a_slider_steps_by_frames_keeps_the_focus_and_gives_another_score(page, analysed):
    browser = page.open(analysed)
    browser.wait(RESULT)
    before = browser.run("document.getElementById('apex').getAttribute('aria-valuetext')")
    browser.run("document.getElementById('apex').focus()")
    browser.press("ArrowLeft", 2)
    after = browser.run("document.getElementById('apex').getAttribute('aria-valuetext')")
    frames = [int(text.split()[1].rstrip(",")) for text in (before, after)]
    assert frames[1] == frames[0] - 2
    browser.wait(f"/to frame {frames[1]}\\./.test(document.getElementById('status').textContent)")
    assert browser.run("document.activeElement.id") == "apex"
    browser.run("document.getElementById('bundle').focus()")
    browser.run(
        "(s => { s.value = 'another'; s.dispatchEvent(new Event('change')); })"
        "(document.getElementById('bundle'))"
    )
    browser.wait("!document.getElementById('result').hasAttribute('aria-busy')")
    assert (
        browser.run("document.activeElement.id + document.getElementById('bundle').value") == "bundleanother"
    )
    browser.wait(IMAGES)


def test_an_interval_can_be_shown_and_everything_saved(page, analysed):
    browser = page.open(analysed)
    browser.wait(RESULT)
    assert browser.run("document.querySelectorAll('#intervals tr').length") >= 1
    browser.click("#intervals button")
    browser.wait(
        "document.querySelector('#intervals tr[aria-current]') && !document.querySelector('[aria-busy]')"
    )
    browser.wait("!document.getElementById('error').hidden || document.getElementById('status').textContent")
    saved = browser.run(f"{CHECKS}.files({SAVED})")
    named = {name.removeprefix("smile-"): text for name, text in saved}
    assert "data:video/mp4;base64," in named["report.html"] and "smile.mp4" in named["report.html"]
    assert named["intervals.csv"].startswith("kind,") and "<ANNOTATION_DOCUMENT" in named["intervals.eaf"]
    folder = str(page.clips.storage.root)
    browser.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
    browser.run(
        "[...document.querySelectorAll('#downloads button')].find(b => /CSV/.test(b.textContent)).click()"
    )
    browser.wait("/Saved: smile-intervals.csv/.test(document.getElementById('status').textContent)")
    eventually(lambda: (page.clips.storage.root / "smile-intervals.csv").is_file())
    assert named["moment.mp4"] and '"probabilities"' in named["score.json"]


def test_clips_wait_in_a_queue_in_every_tab_and_can_be_cancelled(page, analysed, smile, monkeypatch):
    opened, real = threading.Event(), analysis.analyse

    def slow(path, bundle, progress, face):
        for n_frames in range(1, 100_000):
            progress(min(n_frames, 30), 40)
            if opened.wait(0.01):
                return real(path, bundle, progress, face)

    monkeypatch.setattr(analysis, "analyse", slow)
    browser = page.open(analysed)
    browser.wait(RESULT)
    browser.drop(smile, 600, 500)  # anywhere, on top of a result
    browser.wait(
        "document.getElementById('progress').value === 30 && document.getElementById('progress').max === 40"
    )
    assert "frame 30 of 40" in browser.run("document.getElementById('stage').textContent")
    first, second = browser.session, browser.new_tab()
    page.open()
    browser.choose("#file", smile, smile)
    browser.wait("/ 2 ahead/.test(document.getElementById('clips').textContent)")
    assert "1 ahead" in browser.run("document.getElementById('stage').textContent")
    browser.click("#cancel")
    browser.wait("document.getElementById('stage').textContent === 'Cancelled.'")
    browser.session = first
    browser.wait("/cancelled/.test(document.getElementById('clips').textContent)")
    browser.click("#cancel")
    browser.wait("document.getElementById('stage').textContent === 'Cancelled.'")
    opened.set()
    browser.click("#again")
    browser.wait(RESULT)
    browser.session = second
    browser.run("[...document.querySelectorAll('#clips a')].at(-1).click()")
    browser.wait(RESULT)
    browser.ask("Page.close")
    browser.session = first


@pytest.mark.parametrize(
    "name, content, words", [("void.mp4", b"", "is empty"), ("diary.mp4", b"Dear diary", "diary.mp4")]
)
def test_what_is_no_clip_is_one_message(page, tmp_path, name, content, words):
    browser = page.open()
    (tmp_path / name).write_bytes(content)
    browser.choose("#file", tmp_path / name)
    assert words in browser.wait(ERROR)
    assert (
        browser.run("[...document.querySelectorAll('[role=alert]')].filter(e => e.checkVisibility()).length")
        == 1
    )


def test_a_huge_file_is_refused_before_it_is_sent(page, smile, monkeypatch):
    monkeypatch.setattr(clips, "MAX_BYTES", 1000)
    browser = page.open()
    n_posts = sum("api/clips?" in address for address in browser.addresses())
    browser.choose("#file", smile)
    assert "up to" in browser.wait(ERROR)
    assert sum("api/clips?" in address for address in browser.addresses()) == n_posts


def test_a_clip_without_a_face_says_so(page, faceless):
    browser = page.open()
    browser.choose("#file", faceless)
    assert "no face was found" in browser.wait(ERROR)
    assert (
        browser.run(
            "document.getElementById('result').hidden && document.getElementById('stage').textContent"
        )
        == ""
    )


def test_the_webcam_needs_consent_and_its_recording_is_a_clip_like_any_other(page):
    browser = page.open()
    browser.click("#record")
    assert browser.run(
        "document.getElementById('recorder').open && document.getElementById('start').disabled"
    )
    browser.click("#consent")
    browser.click("#start")
    browser.wait("document.getElementById('start').textContent === 'Record'")
    browser.click("#start")
    browser.wait("/Recording: 1/.test(document.getElementById('recorder-status').textContent)")
    browser.click("#start")
    browser.wait("document.getElementById('use').checkVisibility()")
    browser.click("#use")
    browser.wait("/^webcam-.*webm$/.test(document.getElementById('title').textContent)")
    browser.wait(f"{ERROR} || {RESULT}")  # the test picture has no face
    assert browser.run("document.getElementById('live').srcObject") is None


def test_closing_a_clip_deletes_its_files_and_says_so(page, smile):
    browser = page.open()
    browser.choose("#file", smile)
    browser.wait(RESULT)
    folder = page.clips.storage.root / browser.run("location.pathname.split('/').at(-1)")
    assert folder.is_dir()
    browser.click("#ending .close")
    browser.wait("location.pathname === '/' && /deleted/.test(document.getElementById('status').textContent)")
    eventually(lambda: not folder.exists())
    assert browser.run("document.activeElement.id") == "title"
    browser.run("history.back()")
    assert "Drop it again" in browser.wait(ERROR)


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_legible_everything_has_a_name_and_nothing_overflows_a_phone(page, analysed, dark, tmp_path):
    browser = page.browser
    browser.dark(dark)
    for path in ("", analysed):
        page.open(path, 390)
        browser.wait(RESULT if path else "document.getElementById('limits').textContent")
        assert browser.run("document.documentElement.scrollWidth") <= 390
        assert browser.run(f"{CHECKS}.lowContrast()") == []
        assert (
            browser.run("[...document.querySelectorAll('h1')].filter(e => e.checkVisibility()).length") == 1
        )
        nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
        controls = [
            n
            for n in nodes
            if n["role"]["value"] in ("slider", "button", "image", "combobox", "link", "Video")
        ]
        nameless = [n for n in controls if not n["ignored"] and not n.get("name", {}).get("value")]
        assert controls and not nameless
    browser.dark(False)


def test_the_keyboard_alone_is_enough_to_try_the_example(page):
    browser = page.open()
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    for _ in range(12):
        browser.press("Tab")
        if browser.run("document.activeElement.id") == "example":
            break
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    browser.wait("document.getElementById('title').textContent === 'example.mp4'")
    assert browser.run("document.activeElement.id") == "title"
    browser.click("#cancel")


def test_no_request_leaves_the_machine(page):
    assert all(
        address.startswith((page.address, "about:", "data:", "blob:")) for address in page.browser.addresses()
    )
    assert not page.browser.problems()
