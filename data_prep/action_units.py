"""FACS action units: their names, parsing of spreadsheet cells, and objective classes.

Spreadsheets print units in many ways: `4+7`, `4、7`, `AU4 AU7`, `L1`, `R6+R12`, `A/L12`, `14A`, `ref(7B)+43`,
`(R6 or R12)+R15`, `AU4(k)`, `?`. A cell is split at separators into units of one number each; a part that
does not fit is reported, never guessed.
"""

import re
import unicodedata
from typing import NamedTuple

# P. Ekman, W. Friesen, J. Hager, Facial Action Coding System, 2002: action units, descriptors, head and eye
# positions, gross behaviour.
NAMES = {
    1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer", 5: "upper lid raiser",
    6: "cheek raiser", 7: "lid tightener", 8: "lips toward each other", 9: "nose wrinkler",
    10: "upper lip raiser", 11: "nasolabial deepener", 12: "lip corner puller", 13: "sharp lip puller",
    14: "dimpler", 15: "lip corner depressor", 16: "lower lip depressor", 17: "chin raiser", 18: "lip pucker",
    19: "tongue show", 20: "lip stretcher", 21: "neck tightener", 22: "lip funneler", 23: "lip tightener",
    24: "lip pressor", 25: "lips part", 26: "jaw drop", 27: "mouth stretch", 28: "lip suck", 29: "jaw thrust",
    30: "jaw sideways", 31: "jaw clencher", 32: "lip bite", 33: "cheek blow", 34: "cheek puff",
    35: "cheek suck", 36: "tongue bulge", 37: "lip wipe", 38: "nostril dilator", 39: "nostril compressor",
    40: "sniff", 41: "lid droop", 42: "slit", 43: "eyes closed", 44: "squint", 45: "blink", 46: "wink",
    50: "speech", 51: "head turn left", 52: "head turn right", 53: "head up", 54: "head down",
    55: "head tilt left", 56: "head tilt right", 57: "head forward", 58: "head back", 59: "head nod",
    60: "head shake", 61: "eyes turn left", 62: "eyes turn right", 63: "eyes up", 64: "eyes down",
    65: "walleye", 66: "cross-eye", 68: "upward rolling of eyes", 69: "eyes look at the other person",
    70: "brows not visible", 71: "eyes not visible", 72: "lower face not visible",
    73: "entire face not visible", 74: "unscorable", 80: "swallow", 81: "chewing", 82: "shoulder shrug",
    84: "head shake back and forth", 85: "head nod up and down", 91: "flash", 92: "partial flash",
    97: "shiver", 98: "fast up-down look",
}  # fmt: skip

# Source: Davison, Merghani and Yap, Objective classes for micro-facial expression recognition, Journal of
# Imaging 4(10), 2018 (table 9 of Merghani, Davison and Yap, arXiv 1805.02397). Every other set of units is
# class VII.
_CLASSES = {
    "I": ("6", "12", "6+12", "6+7+12", "7+12"),
    "II": ("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    "III": ("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    "IV": ("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    "V": ("1", "15", "1+4", "6+15", "15+17"),
    "VI": ("1+2+4", "20"),
}
OBJECTIVE_CLASSES = {
    frozenset(map(int, units.split("+"))): name for name, sets in _CLASSES.items() for units in sets
}

_SEPARATORS = r"[+,;&|\u3001\u00b7\u30fb\u2022\u2027\u2219\u22c5]|\band\b|plus|[和与及跟加]"
_ALTERNATIVE = r"\b(?:or|oder|ou)\b|或"
# Numbers that are no digits: Roman (also U+2160 to U+217F, which NFKC spells out), Chinese, English, German.
_NUMERALS = r"\b[IVX]+\b|[〇一二三四五六七八九十]"
_NUMBER_WORDS = (
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty"
    r"|eins|zwei|drei|vier|f(?:ü|ue)nf|sechs|sieben|acht|neun|zehn|elf|zw(?:ö|oe)lf|\w+zehn|zwanzig)\b"
)
_RANGES = r"\d\s*[-\u2010-\u2015\u2212~]\s*(?:AU\s*)?\d"
_NO_UNITS = (
    r"(?:no|none|no\s+aus?|aus?|nan|n\.?/?a\.?|null|nil|neutral|keine|无|無|没有)?[\W_]*"  # whole cells
)
_NEGATIONS = r"\b(?:no|not|non|without|except|ohne|sans)\b|\bw/o\b|[无無非没]"


class UnitsCell(NamedTuple):
    """A parsed cell of action units."""

    units: frozenset[int]
    unreadable: tuple[str, ...]  # parts that are no unit


def parse_units(cell: str) -> UnitsCell:
    """Parse a cell of action units, ignoring side (L, R), strength (A to E) and words without a number.

    Alternatives (`R6 or R12`, `9/10`) and static units, marked with (k) in 4DME, are left out. `4-7`, `4.7`,
    dates, numbers that are not in FACS, what is ruled out (`not 4`), numbers that are no digits (`IV`,
    `four`), and cells of nothing but alternatives or words (`blink`) are unreadable.

    Parameters
    ----------
    cell : str
        The cell's text.

    Returns
    -------
    UnitsCell
        Units and unreadable parts.
    """
    cell = re.sub("(?<=\\d)[\u00b2\u00b3\u00b9\u2070-\u2089]", "^", cell)  # a footnote, not a digit
    cell = printed = unicodedata.normalize("NFKC", cell).strip()
    if re.fullmatch(r"\d+\.0*", cell):
        cell = cell.split(".")[0]  # spreadsheets print 4 as 4.0
    cell = re.sub("[\u2044\u2215]", "/", cell)  # fraction and division slash
    cell = re.sub(rf"\([^()]*(?:{_ALTERNATIVE})[^()]*\)", "", cell)
    cell = re.sub(r"\s+(?=\(k\))", "", cell, flags=re.IGNORECASE)
    units, unreadable = set(), []
    for part in re.split(_SEPARATORS, cell, flags=re.IGNORECASE):
        if re.search(rf"{_ALTERNATIVE}|\d\s*/\s*\d", part):
            continue
        is_negation = re.search(_NEGATIONS, part, re.IGNORECASE) and re.search(r"\d", part)
        is_unclear = re.search(f"{_NUMBER_WORDS}|{_RANGES}", part, re.IGNORECASE)
        if is_negation or is_unclear or re.search(_NUMERALS, part):
            unreadable.append(part.strip())
            continue
        for word in re.split(r"\s+|(?<=\w)(?=AU)", part, flags=re.IGNORECASE):
            numbers = re.findall(r"\d+", word)
            if not numbers:
                continue
            if len(numbers) > 1 or int(numbers[0]) not in NAMES:
                unreadable.append(word)
            elif "(k)" not in word.lower():
                units.add(int(numbers[0]))
    if not units and not unreadable and re.search(r"\d", printed) and "(k)" not in printed.lower():
        unreadable.append(printed)  # nothing but alternatives, or a date
    if not re.search(r"\d", printed) and not unreadable and not re.fullmatch(_NO_UNITS, printed, re.I):
        unreadable.append(printed)
    return UnitsCell(frozenset(units), tuple(unreadable))


def objective_class(cell: str) -> str:
    """Return the objective class of a cell, "I" to "VII"; empty without units or with an unreadable part.

    References
    ----------
    Davison, Merghani and Yap, Objective classes for micro-facial expression recognition, Journal of Imaging
    4(10), 2018.
    """
    units, unreadable = parse_units(cell)
    return OBJECTIVE_CLASSES.get(units, "VII") if units and not unreadable else ""
