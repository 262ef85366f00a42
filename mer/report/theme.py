"""Colours of pages and pictures, light and dark; the same as in clip_style.html and base.css of the page."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


def _parse_hex(code: str) -> Colour:
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


@dataclass(frozen=True)
class Theme:
    """Colours as RGB in 0..255."""

    ground: Colour
    ink: Colour
    soft: Colour
    rule: Colour
    accent: Colour
    mark: Colour
    kinds: dict[str, Colour]  # kind of interval -> colour


def _theme(
    ground: str, ink: str, soft: str, rule: str, accent: str, mark: str, eyes: str, head: str
) -> Theme:
    kinds = {"micro": mark, "macro": accent, "blink": eyes, "eyes_closed": eyes, "head": head}
    return Theme(
        ground=_parse_hex(ground),
        ink=_parse_hex(ink),
        soft=_parse_hex(soft),
        rule=_parse_hex(rule),
        accent=_parse_hex(accent),
        mark=_parse_hex(mark),
        kinds={kind: _parse_hex(code) for kind, code in kinds.items()},
    )


LIGHT = _theme("fbfaf7", "23262b", "5c6068", "ded9ce", "1f6870", "b3541e", "6a559e", "6b7078")
DARK = _theme("16181b", "e7e4dd", "a7aab0", "383c42", "76bec6", "e8935f", "b3a2e3", "9a9fa8")
THEMES = {"light": LIGHT, "dark": DARK}
