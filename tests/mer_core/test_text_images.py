"""Text on pictures."""

import numpy as np

from mer_core.text_images import render_text


def test_a_strip_has_the_asked_width_and_colours():
    dark = render_text("frame 12", 200, 14, ink=(240, 240, 240), background=(10, 20, 30))
    assert dark.shape == (21, 200, 3) and tuple(dark[0, 0]) == (10, 20, 30) and dark.max() > 220
    assert (render_text("frame 12", 200) < 100).any()


def test_long_text_is_wrapped_and_a_long_word_is_not_lost():
    assert render_text("one two three four five six", 90, 12).shape[0] == 3 * 18
    assert render_text("a" * 100, 60, 12).shape == (18, 60, 3)


def test_letters_beyond_ascii_are_drawn():
    assert (
        not np.array_equal(render_text("×", 40), render_text("?", 40))
        and (render_text("é – ≥", 80) < 100).any()
    )
