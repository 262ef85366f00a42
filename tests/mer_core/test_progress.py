"""Progress bars: drawn on a terminal only, one at a time, none in workers; counts stay with -v."""

import io

import pytest

from mer_core import parallel, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def replace_stderr(monkeypatch):
    """Put a terminal in place of stderr; in the test itself, because pytest replaces stderr before each."""
    for name in ("NO_COLOR", "TERM", "TTY_COMPATIBLE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    progress.set_verbosity()  # another test may have been quiet
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    return screen


def draw(titles=("Outer",)):
    if not titles:
        return
    with progress.count_steps(titles[0], 2) as advance:
        advance()
        draw(titles[1:])
        advance()


def test_a_bar_shows_its_total_on_a_terminal(monkeypatch):
    terminal = replace_stderr(monkeypatch)
    draw()
    assert "Outer" in terminal.getvalue() and "2/2" in terminal.getvalue()


def test_a_bar_within_a_bar_is_left_out(monkeypatch):
    terminal = replace_stderr(monkeypatch)
    draw(("Outer", "Inner"))
    assert "Outer" in terminal.getvalue() and "Inner" not in terminal.getvalue()
    draw(("Next",))
    assert "Next" in terminal.getvalue()


def test_a_bar_that_was_left_early_makes_room(monkeypatch):
    terminal = replace_stderr(monkeypatch)
    for _ in progress.track(range(9), "Left"):
        break
    with pytest.raises(KeyError), progress.count_steps("Failed", 1):
        raise KeyError
    draw(("Next",))
    assert "Next" in terminal.getvalue()


def test_without_a_terminal_nothing_is_drawn(capsys):
    draw()
    assert list(progress.track(iter("ab"), "Letters")) == ["a", "b"]
    assert capsys.readouterr().err == ""


def test_counts_stay_with_verbose(capsys):
    progress.set_verbosity(verbose=True)
    try:
        draw(("Outer", "Inner"))
    finally:
        progress.set_verbosity()
    assert capsys.readouterr().err.startswith("Outer: 2 in ")


def test_a_worker_draws_no_bar(capfd):
    with parallel.companion(draw) as call:
        call(draw)
    assert capfd.readouterr().err == ""
