import pytest

from mer_core.text import format_count


@pytest.mark.parametrize(
    "words, text",
    [
        ((1, "clip"), "1 clip"),
        ((0, "clip"), "0 clips"),
        ((2, "clip is", "clips are"), "2 clips are"),
        ((1, "clip is", "clips are"), "1 clip is"),
    ],
)
def test_a_count_agrees_with_its_noun(words, text):
    assert format_count(*words) == text
