"""Identity of subjects and datasets: spellings that differ only in typing are one name.

LOSO is only as good as its groups. Spreadsheets, file systems and scripts spell one subject as `1`, `01`,
`1.0`, `Sub01`, `sub01 `, or with composed or decomposed accents. A classifier trained on one spelling and
tested on another has seen its test subject.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from mer_core.errors import BadInput
from mer_core.text import format_count

SIMILAR = 0.9  # difflib's ratio: surprise and suprise have 0.93, anger and angry 0.8
MAX_NAMED = 4  # subjects named in a message

_NO_FRACTION = r"(?:[.\u066b]0*|,0{0,2})"  # 1,000 may be a thousand
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)  # characters without a picture that are not of category Cf
# Cyrillic and Greek letters whose capitals look like Latin ones: another keyboard layout, not another person.
_LOOK_ALIKES = str.maketrans("авекмнорстухіјѕαβεζηικμνορτυχ", "abekmhopctyxijsabezhikmnoptyx")
_TYPED = str.maketrans("oil", "011")  # letters typed in place of digits
_ACCENTS = re.compile("[\u0300-\u036f]")  # of Latin, Greek and Cyrillic; vowel signs of other scripts stay
_SEPARATORS = r"[\s_.\-\u2010-\u2015\u2212]+"  # including the dashes that word processors substitute


class SubjectSpelling(BadInput):
    """Two LOSO groups are spellings of the same subject."""

    code = "subject-spelling"


def clean_name(name: object) -> str:
    """Return a name in the stored form: NFKC, stripped, and `1` for a spreadsheet's `1.0`."""
    plain = " ".join(_normalise(str(name)).split())
    return re.sub(rf"^(\d+){_NO_FRACTION}$", r"\1", plain)


def subject_key(name: object) -> str:
    """Return a key that is equal for all spellings of one subject.

    Ignored are case, Unicode form and width, blanks and invisible characters, the alphabet of letters that
    look alike, zero padding, `.0` after a number, quotation marks around the name, the kind of separator
    (blank, `_`, `-`, `.`), and a separator between a word and a number. Digits on either side of a separator
    stay apart: `1_1` is not `11`.

    Examples
    --------
    >>> {subject_key(name) for name in ("sub01", "Sub01 ", "SUB_1", "sub-001", "sub 1.0")}
    {'sub1'}
    """
    folded = _normalise(_normalise(str(name)).casefold()).strip().translate(_LOOK_ALIKES)
    digits = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in folded)
    whole = re.sub(rf"(?<=\d){_NO_FRACTION}$", "", digits.strip("'\"`‘’“” "))
    parts = re.sub(_SEPARATORS, "_", whole).strip("_")
    joined = re.sub(r"(?<=\d)_(?=\D)|(?<=\D)_(?=\d)", "", parts)
    return re.sub(r"(?<!\d)0+(?=\d)", "", joined) or folded


def typed_key(name: object) -> str:
    """Return `subject_key` without accents, punctuation and blanks, and O, I and L beside digits as 0 and 1.

    So `Jürg` is `Jurg`, `O'Brien` is `OBrien`, `#1` is `1`, and `SO1` is `S01`.

    Two names that differ only in this may be one person mistyped or two people, so they are refused
    together and never merged.
    """
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", subject_key(name))))
    digits = re.sub(r"[oil]+(?=\d)|(?<=\d)[oil]+", lambda letters: letters[0].translate(_TYPED), plain)
    letters = ("_" if unicodedata.category(one)[0] in "PSZ" else one for one in subject_key(digits))
    return re.sub(r"(?<=\D)_(?=\D)", "", subject_key("".join(letters)))


def dataset_key(name: object) -> str:
    """Return a key that is equal for all spellings of one dataset; `CASME II` is `casme2`."""
    plain = subject_key(name).replace("_", "")
    return re.sub(r"(?<=[a-hj-z])i{2,3}$", lambda roman: str(len(roman[0])), plain)


def group_key(group: object, key: Callable[[object], str] = subject_key) -> str:
    """Return a key for a LOSO group, `dataset/subject` or a subject alone; `key` is that of the subject."""
    dataset, slash, subject = str(group).rpartition("/")
    return dataset_key(dataset) + slash + key(subject) if slash else key(subject)


def unify_spellings(
    names: Sequence[object], key: Callable[[object], str] = subject_key
) -> tuple[list[str], dict[str, list[str]]]:
    """Give each name its most frequent spelling; of equally frequent ones, the first.

    Parameters
    ----------
    names : sequence
        Names as printed.
    key : callable
        Names with equal keys are one.

    Returns
    -------
    unified : list of str
        One name per given name.
    merged : dict
        Chosen spelling -> other spellings, for names with more than one.
    """
    cleaned = [clean_name(name) for name in names]
    spelled: dict[str, Counter[str]] = {}
    for name in cleaned:
        spelled.setdefault(key(name), Counter())[name] += 1
    chosen = {identity: counts.most_common(1)[0][0] for identity, counts in spelled.items()}
    merged = {
        chosen[identity]: [name for name in counts if name != chosen[identity]]
        for identity, counts in spelled.items()
        if len(counts) > 1
    }
    return [chosen[key(name)] for name in cleaned], merged


def describe_merged(merged: dict[str, list[str]], source: str, noun: str = "subject") -> str:
    """Describe which names of `source` were read as one."""
    pairs = [" = ".join(map(repr, (chosen, *others))) for chosen, others in merged.items()]
    more = f" and {len(pairs) - MAX_NAMED} more" if len(pairs) > MAX_NAMED else ""
    names = format_count(len(pairs), f"{noun} of {source} has", f"{noun}s of {source} have")
    return (
        f"{names} several spellings, each read as one: {'; '.join(pairs[:MAX_NAMED])}{more}. "
        "Rename them if they are different."
    )


def describe_similar(names: Iterable[str], noun: str) -> list[str]:
    """Return a line about names that may be misspelt, with how often each occurs; empty if there are none."""
    counts = Counter(names)
    known = sorted(counts)
    pairs = [
        f"{name!r} ({counts[name]}) and {other!r} ({counts[other]})"
        for i, name in enumerate(known)
        for other in get_close_matches(name, known[i + 1 :], n=1, cutoff=SIMILAR)
    ]
    more = f" and {len(pairs) - 1} more" if len(pairs) > 1 else ""
    return [f"{noun} that differ by little: {pairs[0]}{more}. Correct one if it is misspelt"] if pairs else []


def refuse_spellings(groups: Iterable[object]) -> None:
    """Raise `SubjectSpelling` if two LOSO groups (`dataset/subject`, or subjects) may be one subject."""
    spelled: dict[str, list[str]] = {}
    for group in dict.fromkeys(map(str, groups)):
        spelled.setdefault(group_key(group, typed_key), []).append(group)
    same = [names for names in spelled.values() if len(names) > 1]
    if same:
        pairs = "; ".join(" = ".join(map(repr, names)) for names in same[:MAX_NAMED])
        raise SubjectSpelling(
            f"{format_count(len(same), 'subject is', 'subjects are')} spelled in more than one way: {pairs}"
            f"{', ...' if len(same) > MAX_NAMED else ''}. "
            "The held-out subject would also be in training. Use one spelling for each subject; accents, "
            "punctuation and blanks do not count, and beside digits the letters O, I and L count as 0 and 1."
        )


def _normalise(text: str) -> str:
    """Return NFKC text without invisible characters (byte order marks); control characters become blanks."""
    normal = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    kinds = {"Cf": "", "Cc": " "}
    return unicodedata.normalize("NFKC", "".join(kinds.get(unicodedata.category(one), one) for one in normal))
