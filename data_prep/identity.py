"""Who is one person: names of subjects, and of datasets, that differ only in how they are typed are one name.

LOSO is only as good as its groups. Spreadsheets, file systems and scripts spell one subject as `1`, `01`,
`1.0`, `Sub01`, `sub01 `, or with composed and decomposed accents; a classifier that is fitted on one spelling
and tested on another has seen its test subject.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from mer_core.errors import BadInput

MAX_NAMED = 4  # persons that a message names

_SEPARATORS = r"[\s_.\-\u2010-\u2015\u2212]+"  # also the dashes that word processors make of a hyphen


class SubjectSpelling(BadInput):
    """Groups that must be separate people are one person in two spellings."""

    code = "subject-spelling"


def clean_name(name: object) -> str:
    """Return a name as it is stored: NFKC, no blanks around it, `1` for the `1.0` of a spreadsheet."""
    plain = " ".join(_normalise(str(name)).split())
    return re.sub(r"^(\d+)[.,]0*$", r"\1", plain)


def subject_key(name: object) -> str:
    """Return what identifies a person: equal for all spellings of one name.

    What does not count: case, Unicode form and width, blanks and invisible characters, zero padding, a `.0`
    behind a number, and which separator (blank, `_`, `-`, `.`) stands between two parts, or none between a
    word and a number. Digits that a separator keeps apart stay apart: `1_1` is not `11`.

    Examples
    --------
    >>> {subject_key(name) for name in ("sub01", "Sub01 ", "SUB_1", "sub-001", "sub 1.0")}
    {'sub1'}
    """
    folded = _normalise(_normalise(str(name)).casefold()).strip()
    digits = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in folded)
    whole = re.sub(r"(?<=\d)[.,]0*$", "", digits)
    parts = re.sub(_SEPARATORS, "_", whole).strip("_")
    joined = re.sub(r"(?<=\d)_(?=\D)|(?<=\D)_(?=\d)", "", parts)
    return re.sub(r"(?<!\d)0+(?=\d)", "", joined) or folded


def dataset_key(name: object) -> str:
    """Return what identifies a dataset: as `subject_key`, and `CASME II` is `casme2`."""
    plain = subject_key(name).replace("_", "")
    return re.sub(r"(?<=[a-hj-z])i{2,3}$", lambda roman: str(len(roman[0])), plain)


def group_key(group: object) -> str:
    """Return what identifies a LOSO group, given as `dataset/subject` or as a bare subject."""
    dataset, slash, subject = str(group).rpartition("/")
    return dataset_key(dataset) + slash + subject_key(subject) if slash else subject_key(subject)


def unify_spellings(
    names: Sequence[object], key: Callable[[object], str] = subject_key
) -> tuple[list[str], dict[str, list[str]]]:
    """Give each person one spelling: the most frequent, and of equally frequent ones the first.

    Returns
    -------
    unified : one name per given name
    merged : chosen spelling -> the other spellings, for persons spelled in more than one way
    """
    cleaned = [clean_name(name) for name in names]
    spelled: dict[str, Counter[str]] = {}
    for name in cleaned:
        spelled.setdefault(key(name), Counter())[name] += 1
    chosen = {one: counts.most_common(1)[0][0] for one, counts in spelled.items()}
    merged = {chosen[one]: [n for n in counts if n != chosen[one]] for one, counts in spelled.items()}
    return [chosen[key(name)] for name in cleaned], {one: others for one, others in merged.items() if others}


def describe_merged(merged: dict[str, list[str]], where: str, what: str = "subject") -> str:
    """Say which names were taken for one."""
    pairs = [" = ".join(map(repr, (chosen, *others))) for chosen, others in merged.items()]
    more = f" and {len(pairs) - MAX_NAMED} more" if len(pairs) > MAX_NAMED else ""
    return (
        f"{len(pairs)} {what}(s) of {where} are spelled in more than one way, and taken for one each: "
        f"{'; '.join(pairs[:MAX_NAMED])}{more}. Rename them if they are different."
    )


def refuse_spellings(groups: Iterable[object]) -> None:
    """Raise `SubjectSpelling` if two of the groups (`dataset/subject`, or subjects) are one person."""
    spelled: dict[str, list[str]] = {}
    for group in dict.fromkeys(map(str, groups)):
        spelled.setdefault(group_key(group), []).append(group)
    same = [names for names in spelled.values() if len(names) > 1]
    if same:
        pairs = "; ".join(" = ".join(map(repr, names)) for names in same[:MAX_NAMED])
        raise SubjectSpelling(
            f"{len(same)} subject(s) are spelled in more than one way: {pairs}"
            f"{', ...' if len(same) > MAX_NAMED else ''}. "
            "Whoever is left out would also be fitted on. Use one spelling for each person."
        )


def _normalise(text: str) -> str:
    """NFKC without the characters that take no space, such as byte order marks and zero-width blanks."""
    normal = unicodedata.normalize("NFKC", text)
    return unicodedata.normalize("NFKC", "".join(one for one in normal if unicodedata.category(one) != "Cf"))
